// Requests about multipart uploads. Their parts are segments of one object, whose key is made when the upload begins;
// completing lists those that count in a manifest, and moves no data.
#include "requests.hpp"

#include "text.hpp"
#include "xml.hpp"

namespace ossd {

namespace {

constexpr uint64_t PARTS_MAX = 10000, PAGE_MAX = 1000;
const std::string UPLOAD_FACTS = "ossd.upload";

// What is sealed about a part is sealed as that of its number.
std::string part_facts_name(uint32_t number) { return "ossd.part." + std::to_string(number); }

// An upload, and its object's key, opened for the user.
struct Opened {
    std::shared_ptr<Upload> upload;
    std::shared_ptr<const UploadRecord> record;
    ObjectKey key;
};

Opened open_upload(const Call &call, Operation operation, uint32_t source = 0) {
    Opened opened;
    opened.upload = call.bucket->uploads().find(call.request.parameter("uploadId"), call.key);
    opened.record = opened.upload->record();
    call.decide(operation, opened.record->protection.method, source);
    opened.key = call.daemon.crypto.open(opened.record->protection, &call.user, call.place());
    check_upload(opened.key, opened.record->record);
    return opened;
}

uint32_t part_number(const Call &call) {
    auto number = parse_number(call.request.parameter("partNumber"));
    if (!number || *number == 0 || *number > PARTS_MAX)
        refuse_argument("Part number must be an integer between 1 and 10000, inclusive.");
    return static_cast<uint32_t>(*number);
}

// Puts a part that was written, and says what of it is answered.
struct PutPart {
    std::string etag;
    uint64_t crc64;
    int64_t modified;
};

PutPart put_part(const Opened &opened, uint32_t number, Written written) {
    PutPart put{to_hex(written.md5, true), written.crc64, now()};
    PartFacts facts{put.etag, put.crc64, opened.key ? encode_receipt(written.receipt) : ""};
    Part part;
    part.segment = std::move(written.segment);
    part.modified = put.modified;
    part.facts = seal_value(opened.key, part_facts_name(number), facts.to_json());
    opened.upload->put_part(number, std::move(part));
    return put;
}

class PartSink : public Sink {
  public:
    explicit PartSink(const Call &call)
        : call_(call), number_(part_number(call)), opened_(open_upload(call, Operation::UploadPart)),
          body_(*call.bucket, opened_.key, opened_.record->protection, number_) {}

    void write(std::string_view piece) override { body_.write(piece); }

    Response finish() override {
        Written written = body_.finish();
        check_md5(call_.request, written.md5);
        PutPart put = put_part(opened_, number_, std::move(written));
        Response response;
        response.headers = call_.daemon.crypto.answer(Operation::UploadPart, opened_.record->protection);
        append(response.headers, {{"ETag", quoted(put.etag)}, {"x-oss-hash-crc64ecma", told_crc64(put.crc64)}});
        return response;
    }

  private:
    Call call_;
    uint32_t number_;
    Opened opened_;
    BodyWriter body_;
};

Response copy_part(const Call &call) {
    uint32_t number = part_number(call);
    CopySource source = find_copy_source(call);
    Opened opened = open_upload(call, Operation::UploadPartCopy, source.record->protection.method);
    open_copy_source(call, source);
    Range range{0, source.record->size};
    if (auto part = parse_range(call.request.header("x-oss-copy-source-range"), source.record->size)) range = *part;
    BodyWriter body(*call.bucket, opened.key, opened.record->protection, number);
    BodyReader reader(source.record, source.key, range.offset, range.n);
    copy_body(reader, body);
    PutPart put = put_part(opened, number, body.finish());
    Response response = xml_response(make_xml("CopyPartResult", [&](pugi::xml_node root) {
        add(root, "LastModified", iso_date(put.modified));
        add(root, "ETag", quoted(put.etag));
    }));
    append(response.headers, call.daemon.crypto.answer(Operation::UploadPartCopy, opened.record->protection));
    append(response.headers, {{"ETag", quoted(put.etag)}, {"x-oss-hash-crc64ecma", told_crc64(put.crc64)}});
    return response;
}

Response initiate(const Call &call) {
    Crypto::Created created = call.daemon.crypto.create(call.decide(Operation::InitiateUpload), call.user, call.place(),
                                                        ossenc::Shape::Segmented, true);
    Facts facts;
    facts.headers = stored_headers(call.request);
    UploadRecord record;
    record.id = to_hex(random_bytes(16), true);
    record.name = call.key;
    record.begun = now();
    record.protection = created.protection;
    record.facts = seal_value(created.key, UPLOAD_FACTS, facts.to_json());
    record.record = begin_upload(created.key);
    std::string id = record.id;
    call.bucket->create_upload(std::move(record));
    Response response = xml_response(make_xml("InitiateMultipartUploadResult", [&](pugi::xml_node root) {
        if (call.request.parameter("encoding-type") == "url") add(root, "EncodingType", "url");
        add(root, "Bucket", call.bucket->name());
        add(root, "Key", told_name(call.request, call.key));
        add(root, "UploadId", id);
    }));
    append(response.headers, call.daemon.crypto.answer(Operation::InitiateUpload, created.protection));
    return response;
}

PartFacts facts_of_part(const ObjectKey &key, uint32_t number, const Part &part) {
    return PartFacts::from_json(open_value(key, part_facts_name(number), part.facts));
}

Response list_parts(const Call &call) {
    Opened opened = open_upload(call, Operation::ListParts);
    uint64_t marker = number_parameter(call.request, "part-number-marker", 0, 0, PARTS_MAX);
    uint64_t max = number_parameter(call.request, "max-parts", PAGE_MAX, 1, PAGE_MAX);
    Upload::Parts parts = opened.upload->parts();
    return xml_response(make_xml("ListPartsResult", [&](pugi::xml_node root) {
        add(root, "Bucket", call.bucket->name());
        if (call.request.parameter("encoding-type") == "url") add(root, "EncodingType", "url");
        add(root, "Key", told_name(call.request, call.key));
        add(root, "UploadId", opened.record->id);
        add(root, "StorageClass", "Standard");
        add(root, "PartNumberMarker", marker);
        add(root, "MaxParts", max);
        auto at = parts.upper_bound(static_cast<uint32_t>(marker));
        uint64_t listed = 0, last = 0;
        for (; at != parts.end() && listed < max; ++at, ++listed) {
            PartFacts facts = facts_of_part(opened.key, at->first, at->second);
            pugi::xml_node part = root.append_child("Part");
            add(part, "PartNumber", last = at->first);
            add(part, "LastModified", iso_date(at->second.modified));
            add(part, "ETag", quoted(facts.etag));
            add(part, "HashCrc64ecma", facts.crc64);
            add(part, "Size", at->second.segment.size);
        }
        add(root, "NextPartNumberMarker", last);
        add(root, "IsTruncated", at == parts.end() ? "false" : "true");
    }));
}

// The object of the parts that the client lists; of all, if it lists none.
Record assemble(const Call &call, const Opened &opened, const Upload::Parts &parts, std::vector<ListedPart> listed,
                bool all) {
    if (all)
        for (const auto &[number, part] : parts) listed.push_back({number, ""});
    if (listed.empty()) throw Refused(400, "MalformedXML", "The upload needs at least one part.");
    Record record;
    Facts facts = Facts::from_json(open_value(opened.key, UPLOAD_FACTS, opened.record->facts));
    std::vector<ossenc::Receipt> receipts;
    std::string digests;
    uint32_t before = 0;
    for (const ListedPart &one : listed) {
        if (one.number <= before)
            throw Refused(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
        before = one.number;
        auto found = parts.find(one.number);
        if (found == parts.end())
            throw Refused(400, "InvalidPart", "One or more of the specified parts could not be found.");
        PartFacts part = facts_of_part(opened.key, one.number, found->second);
        if (!all && lower(part.etag) != lower(one.etag))
            throw Refused(400, "InvalidPart", "The specified entity tag might not have matched the part's entity tag.");
        facts.crc64 = ossenc::crc64_combine(facts.crc64, part.crc64, found->second.segment.size);
        facts.size += found->second.segment.size;
        digests += part.etag;
        record.segments.push_back(found->second.segment);
        if (opened.key) receipts.push_back(decode_receipt(part.receipt));
    }
    facts.etag = to_hex(md5(digests), true) + "-" + std::to_string(listed.size());
    record.name = call.key;
    record.kind = Kind::Multipart;
    record.modified = now();
    record.upload = opened.record->id;
    record.protection = opened.record->protection;
    record.generation = 1;
    if (opened.key) record.manifest = seal_manifest(opened.key, receipts);
    set_facts(record, opened.key, std::move(facts));
    return record;
}

Response complete(const Call &call, const std::string &document) {
    bool all = call.request.header("x-oss-complete-all") == "yes";
    std::vector<ListedPart> listed;
    if (!all) listed = parse_complete(document);
    // Nobody puts a part, completes or rewraps from here on.
    ClosedUpload closed(call.bucket->uploads().find(call.request.parameter("uploadId"), call.key));
    Opened opened = open_upload(call, Operation::CompleteUpload);
    RecordPtr record = put_object(call, assemble(call, opened, closed.parts(), std::move(listed), all));
    closed.end();
    call.bucket->uploads().remove(record->upload, closed.parts(), record->segments);
    Response response = xml_response(make_xml("CompleteMultipartUploadResult", [&](pugi::xml_node root) {
        if (call.request.parameter("encoding-type") == "url") add(root, "EncodingType", "url");
        add(root, "Location", "http://" + call.request.header("host") + call.request.path);
        add(root, "Bucket", call.bucket->name());
        add(root, "Key", told_name(call.request, call.key));
        add(root, "ETag", quoted(record->known.get()->etag));
    }));
    append(response.headers, call.daemon.crypto.answer(Operation::CompleteUpload, record->protection));
    append(response.headers, {{"ETag", quoted(record->known.get()->etag)},
                              {"x-oss-hash-crc64ecma", told_crc64(record->known.get()->crc64)}});
    return response;
}

Response abort(const Call &call) {
    call.decide(Operation::Other);
    const std::string &id = call.request.parameter("uploadId");
    ClosedUpload closed(call.bucket->uploads().find(id, call.key));
    call.bucket->uploads().remove(id, closed.parts());
    closed.end();
    Response response;
    response.status = 204;
    return response;
}

} // namespace

bool has_upload(const Call &call) { return call.has("uploads") || call.has("uploadId"); }

Begun serve_upload(const Call &call) {
    const std::string &method = call.request.method;
    if (call.has("uploads")) {
        if (method != "POST") refuse_not_built();
        return {nullptr, initiate(call)};
    }
    if (method == "PUT" && is_copy(call.request)) return {nullptr, copy_part(call)};
    if (method == "PUT") return {std::make_unique<PartSink>(call), std::nullopt};
    if (method == "GET") return {nullptr, list_parts(call)};
    if (method == "DELETE") return {nullptr, abort(call)};
    if (method != "POST") refuse_not_built();
    // Before the list comes: the client may still be told that the header does not belong here.
    call.decide(Operation::CompleteUpload,
                call.bucket->uploads().find(call.request.parameter("uploadId"), call.key)->record()->protection.method);
    return with_document(call, [call](const std::string &document) { return complete(call, document); });
}

} // namespace ossd
