#include "record.hpp"

#include "text.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace ossd {

namespace {

using nlohmann::json;

constexpr int VERSION = 1;

std::string binary(const json &value) {
    auto bytes = from_base64(value.get<std::string>());
    if (!bytes) throw std::runtime_error("a record has no base64 where it should");
    return *bytes;
}

json start() { return {{"version", VERSION}}; }

json parse(std::string_view text) {
    json value = json::parse(text);
    if (value.at("version") != VERSION) throw std::runtime_error("a record of another version");
    return value;
}

void put(json &to, const Protection &protection) {
    if (protection.method == 0) return;
    to["encryption"] = {{"method", protection.method},
                        {"layout", protection.layout},
                        {"envelope", to_base64(protection.envelope)},
                        {"context", protection.context}};
}

Protection get_protection(const json &from) {
    Protection protection;
    auto found = from.find("encryption");
    if (found == from.end()) return protection;
    protection.method = found->at("method");
    protection.layout = found->at("layout");
    protection.envelope = binary(found->at("envelope"));
    protection.context = found->at("context");
    return protection;
}

json put_segment(const Segment &segment) { return {{"file", segment.file->id()}, {"size", segment.size}}; }

Segment get_segment(const json &from, const std::string &folder) {
    std::string id = from.at("file");
    if (id.size() != 32 || id.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw std::runtime_error("a record names no data file");
    return {std::make_shared<DataFile>(folder, id, false), from.at("size")};
}

} // namespace

std::string Facts::to_json() const {
    json list = json::array();
    for (const auto &[name, value] : headers) list.push_back({latin1_to_utf8(name), latin1_to_utf8(value)});
    return json{{"etag", etag}, {"crc64", crc64}, {"crc64_before", crc64_before}, {"size", size}, {"headers", list}}
        .dump();
}

Facts Facts::from_json(std::string_view text) {
    json value = json::parse(text);
    Facts facts;
    facts.etag = value.at("etag");
    facts.crc64 = value.at("crc64");
    facts.crc64_before = value.at("crc64_before");
    facts.size = value.at("size");
    for (const auto &pair : value.at("headers"))
        facts.headers.emplace_back(utf8_to_latin1(pair.at(0).get<std::string>()),
                                   utf8_to_latin1(pair.at(1).get<std::string>()));
    return facts;
}

const char *kind_name(Kind kind) {
    return kind == Kind::Normal ? "Normal" : kind == Kind::Multipart ? "Multipart" : "Appendable";
}

std::string Record::to_json() const {
    json value = start();
    value["name"] = name;
    value["kind"] = kind_name(kind);
    value["modified"] = modified;
    value["size"] = size;
    value["facts"] = to_base64(facts);
    value["head"] = to_base64(head);
    value["manifest"] = to_base64(manifest);
    value["generation"] = generation;
    value["upload"] = upload;
    put(value, protection);
    value["segments"] = json::array();
    for (const Segment &segment : segments) value["segments"].push_back(put_segment(segment));
    return value.dump();
}

Record Record::from_json(std::string_view text, const std::string &folder) {
    json value = parse(text);
    Record record;
    record.name = value.at("name");
    for (Kind kind : {Kind::Normal, Kind::Multipart, Kind::Appendable})
        if (value.at("kind") == kind_name(kind)) record.kind = kind;
    record.modified = value.at("modified");
    record.size = value.at("size");
    record.facts = binary(value.at("facts"));
    record.head = binary(value.at("head"));
    record.manifest = binary(value.at("manifest"));
    record.generation = value.at("generation");
    record.upload = value.at("upload");
    record.protection = get_protection(value);
    for (const json &segment : value.at("segments")) record.segments.push_back(get_segment(segment, folder));
    return record;
}

std::string Part::to_json() const {
    json value = start();
    value["segment"] = put_segment(segment);
    value["modified"] = modified;
    value["facts"] = to_base64(facts);
    return value.dump();
}

Part Part::from_json(std::string_view text, const std::string &folder) {
    json value = parse(text);
    return {get_segment(value.at("segment"), folder), value.at("modified"), binary(value.at("facts"))};
}

std::string PartFacts::to_json() const {
    return json{{"etag", etag}, {"crc64", crc64}, {"receipt", to_base64(receipt)}}.dump();
}

PartFacts PartFacts::from_json(std::string_view text) {
    json value = json::parse(text);
    return {value.at("etag"), value.at("crc64"), binary(value.at("receipt"))};
}

std::string UploadRecord::to_json() const {
    json value = start();
    value["id"] = id;
    value["name"] = name;
    value["begun"] = begun;
    value["facts"] = to_base64(facts);
    value["record"] = to_base64(record);
    put(value, protection);
    return value.dump();
}

UploadRecord UploadRecord::from_json(std::string_view text) {
    json value = parse(text);
    UploadRecord upload;
    upload.id = value.at("id");
    upload.name = value.at("name");
    upload.begun = value.at("begun");
    upload.facts = binary(value.at("facts"));
    upload.record = binary(value.at("record"));
    upload.protection = get_protection(value);
    return upload;
}

} // namespace ossd
