// XML documents in and out, by pugixml.
#pragma once

#include <pugixml.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace ossd {

// A document with this root, which `fill` fills.
std::string make_xml(const char *root, const std::function<void(pugi::xml_node root)> &fill);
void add(pugi::xml_node to, const char *name, const std::string &text);
void add(pugi::xml_node to, const char *name, uint64_t number);

// A bucket's rule, as OSS's document has it: the algorithm is empty for no rule.
struct Rule {
    std::string algorithm, key_id;
};
Rule parse_rule(const std::string &document); // one that the library wrote, or an empty one
std::string make_rule(const Rule &rule);

// What clients send. All throw Refused, 400 MalformedXML; document types are refused, too.

struct ListedPart {
    uint32_t number;
    std::string etag; // without quotation marks
};
std::vector<ListedPart> parse_complete(const std::string &document);

struct Deletion {
    bool quiet = false;
    std::vector<std::string> keys;
};
Deletion parse_delete(const std::string &document);

} // namespace ossd
