#include "xml.hpp"

#include "error.hpp"
#include "text.hpp"

#include <algorithm>
#include <cstring>

namespace ossd {

namespace {

[[noreturn]] void refuse_malformed() {
    throw Refused(400, "MalformedXML",
                  "The XML you provided was not well-formed or did not validate against our published "
                  "schema.");
}

class Writer : public pugi::xml_writer {
  public:
    void write(const void *data, size_t n) override { text.append(static_cast<const char *>(data), n); }
    std::string text;
};

pugi::xml_node parse(pugi::xml_document &document, const std::string &text, const char *root) {
    // A key of white space alone is a key.
    unsigned options = pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype;
    auto parsed = document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
    if (!parsed || document.document_element().name() != std::string(root)) refuse_malformed();
    for (pugi::xml_node node : document)
        if (node.type() == pugi::node_doctype) refuse_malformed();
    return document.document_element();
}

std::string required(pugi::xml_node node, const char *name) {
    pugi::xml_node child = node.child(name);
    if (!child) refuse_malformed();
    return child.text().get();
}

} // namespace

std::string make_xml(const char *root, const std::function<void(pugi::xml_node)> &fill) {
    pugi::xml_document document;
    pugi::xml_node declaration = document.append_child(pugi::node_declaration);
    declaration.append_attribute("version") = "1.0";
    declaration.append_attribute("encoding") = "UTF-8";
    fill(document.append_child(root));
    Writer writer;
    document.save(writer, "", pugi::format_raw, pugi::encoding_utf8);
    return std::move(writer.text);
}

void add(pugi::xml_node to, const char *name, const std::string &text) {
    to.append_child(name).text().set(text.c_str());
}

void add(pugi::xml_node to, const char *name, uint64_t number) { add(to, name, std::to_string(number)); }

Rule parse_rule(const std::string &text) {
    if (text.empty()) return {};
    pugi::xml_document document;
    pugi::xml_node rule = parse(document, text, "ServerSideEncryptionRule").first_child();
    return {rule.child_value("SSEAlgorithm"), rule.child_value("KMSMasterKeyID")};
}

std::string make_rule(const Rule &rule) {
    return make_xml("ServerSideEncryptionRule", [&](pugi::xml_node root) {
        pugi::xml_node inner = root.append_child("ApplyServerSideEncryptionByDefault");
        add(inner, "SSEAlgorithm", rule.algorithm);
        if (!rule.key_id.empty()) add(inner, "KMSMasterKeyID", rule.key_id);
    });
}

std::vector<ListedPart> parse_complete(const std::string &text) {
    pugi::xml_document document;
    std::vector<ListedPart> parts;
    for (pugi::xml_node part : parse(document, text, "CompleteMultipartUpload").children("Part")) {
        auto number = parse_number(trim(required(part, "PartNumber")));
        std::string etag = required(part, "ETag");
        etag.erase(std::remove(etag.begin(), etag.end(), '"'), etag.end());
        if (!number || *number == 0 || *number > 10000) refuse_malformed();
        parts.push_back({static_cast<uint32_t>(*number), std::string(trim(etag))});
    }
    return parts;
}

Deletion parse_delete(const std::string &text) {
    pugi::xml_document document;
    Deletion deletion;
    pugi::xml_node root = parse(document, text, "Delete");
    deletion.quiet = trim(root.child("Quiet").text().get()) == "true";
    for (pugi::xml_node object : root.children("Object")) deletion.keys.push_back(required(object, "Key"));
    if (deletion.keys.empty() || deletion.keys.size() > 1000) refuse_malformed();
    return deletion;
}

} // namespace ossd
