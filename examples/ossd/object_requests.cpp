// Requests about objects: put, get, head, delete, copy, append.
#include "requests.hpp"

#include "text.hpp"
#include "xml.hpp"

#include <algorithm>

namespace ossd {

namespace {

// What a client may ask to have in the answer, instead of what is stored.
const std::pair<const char *, const char *> OVERRIDES[] = {{"response-content-type", "content-type"},
                                                           {"response-content-language", "content-language"},
                                                           {"response-expires", "expires"},
                                                           {"response-cache-control", "cache-control"},
                                                           {"response-content-disposition", "content-disposition"},
                                                           {"response-content-encoding", "content-encoding"}};

// The record of an object of one segment.
Record make_record(const Call &call, const Crypto::Created &created, Written written, Headers headers) {
    Record record;
    record.name = call.key;
    record.modified = now();
    record.protection = created.protection;
    if (created.key) record.head = std::string(ossenc::Bytes(written.receipt.head()).text());
    Facts facts;
    facts.etag = to_hex(written.md5, true);
    facts.crc64 = written.crc64;
    facts.size = written.segment.size;
    facts.headers = std::move(headers);
    set_facts(record, created.key, std::move(facts));
    record.segments.push_back(std::move(written.segment));
    return record;
}

class PutSink : public Sink {
  public:
    explicit PutSink(const Call &call)
        : call_(call), created_(call.daemon.crypto.create(call.decide(Operation::PutObject), call.user, call.place(),
                                                          ossenc::Shape::Single,
                                                          call.request.content_length.value_or(0) >= Crypto::LARGE)),
          body_(*call.bucket, created_.key, created_.protection, 0) {}

    void write(std::string_view piece) override { body_.write(piece); }

    Response finish() override {
        Written written = body_.finish();
        check_md5(call_.request, written.md5);
        Response response;
        response.headers = call_.daemon.crypto.answer(Operation::PutObject, created_.protection);
        response.headers.emplace_back("ETag", quoted(to_hex(written.md5, true)));
        response.headers.emplace_back("x-oss-hash-crc64ecma", told_crc64(written.crc64));
        put_object(call_, make_record(call_, created_, std::move(written), stored_headers(call_.request)));
        return response;
    }

  private:
    Call call_;
    Crypto::Created created_;
    BodyWriter body_;
};

Response read_object(const Call &call, Operation operation) {
    RecordPtr record = call.bucket->get(call.key);
    call.decide(operation, record->protection.method);
    ObjectKey key = call.daemon.crypto.open(record->protection, &call.user, call.place());
    auto facts = facts_of(record, key);
    check_conditions(call.request, "", *facts, record->modified, true);
    Response response;
    response.headers = call.daemon.crypto.answer(operation, record->protection);
    Headers stored = facts->headers;
    for (const auto &[parameter, name] : OVERRIDES) {
        if (!call.has(parameter)) continue;
        std::string wanted = name;
        stored.erase(
            std::remove_if(stored.begin(), stored.end(), [&](const auto &header) { return header.first == wanted; }),
            stored.end());
        stored.emplace_back(name, call.request.parameter(parameter));
    }
    append(response.headers, std::move(stored));
    append(response.headers, {{"ETag", quoted(facts->etag)},
                              {"Last-Modified", http_date(record->modified)},
                              {"Accept-Ranges", "bytes"},
                              {"x-oss-object-type", kind_name(record->kind)},
                              {"x-oss-storage-class", "Standard"},
                              {"x-oss-hash-crc64ecma", told_crc64(facts->crc64)}});
    if (record->kind == Kind::Appendable)
        response.headers.emplace_back("x-oss-next-append-position", std::to_string(record->size));
    Range range{0, record->size};
    if (auto part = parse_range(call.request.header("range"), record->size)) {
        range = *part;
        response.status = 206;
        response.headers.emplace_back("Content-Range", "bytes " + std::to_string(range.offset) + "-" +
                                                           std::to_string(range.offset + range.n - 1) + "/" +
                                                           std::to_string(record->size));
    }
    response.source = std::make_unique<BodyReader>(record, key, range.offset, range.n);
    return response;
}

Response delete_object(const Call &call) {
    call.decide(Operation::Other);
    call.bucket->remove(call.key);
    Response response;
    response.status = 204;
    return response;
}

Response object_acl(const Call &call) {
    call.decide(Operation::Other);
    call.bucket->get(call.key);
    if (call.request.method == "PUT") return {};
    return xml_response(make_xml("AccessControlPolicy", [&](pugi::xml_node root) {
        pugi::xml_node owner = root.append_child("Owner");
        add(owner, "ID", "ossd");
        add(owner, "DisplayName", "ossd");
        add(root.append_child("AccessControlList"), "Grant", "default");
    }));
}

Response copy_object(const Call &call) {
    CopySource source = find_copy_source(call);
    // Of the source's encryption nothing is inherited.
    auto decision = call.decide(Operation::CopyObject, 0, source.record->protection.method);
    open_copy_source(call, source);
    Crypto::Created created = call.daemon.crypto.create(decision, call.user, call.place(), ossenc::Shape::Single,
                                                        source.record->size >= Crypto::LARGE);
    BodyWriter body(*call.bucket, created.key, created.protection, 0);
    BodyReader reader(source.record, source.key, 0, source.record->size);
    copy_body(reader, body);
    bool replace = lower(call.request.header("x-oss-metadata-directive")) == "replace";
    RecordPtr record = put_object(call, make_record(call, created, body.finish(),
                                                    replace ? stored_headers(call.request) : source.facts->headers));
    auto facts = record->known.get();
    Response response = xml_response(make_xml("CopyObjectResult", [&](pugi::xml_node root) {
        add(root, "LastModified", iso_date(record->modified));
        add(root, "ETag", quoted(facts->etag));
    }));
    append(response.headers, call.daemon.crypto.answer(Operation::CopyObject, created.protection));
    append(response.headers, {{"ETag", quoted(facts->etag)}, {"x-oss-hash-crc64ecma", told_crc64(facts->crc64)}});
    return response;
}

// A last segment with fewer bytes is sealed anew, together with those that are appended: small appends would make the
// manifest grow without bound.
constexpr uint64_t SETTLED = 64 << 10;

// Appends a segment: an object of segments grows by replacing its record, of which the manifest is a part, at once.
class AppendSink : public Sink {
  public:
    AppendSink(const Call &call, uint64_t position) : call_(call), old_(call.bucket->find(call.key)) {
        auto decision = call.decide(position == 0 ? Operation::AppendFirst : Operation::AppendLater,
                                    old_ ? old_->protection.method : 0);
        if (old_ && old_->kind != Kind::Appendable)
            throw Refused(409, "ObjectNotAppendable", "The object is not appendable.");
        if (position != (old_ ? old_->size : 0)) refuse_position(old_);
        if (old_) {
            created_ = {call.daemon.crypto.open(old_->protection, &call.user, call.place()), old_->protection};
            facts_ = *facts_of(old_, created_.key);
        } else {
            facts_.headers = stored_headers(call.request);
        }
        // As long as it is empty, it can still be asked to be encrypted otherwise.
        begins_ = !old_ || (old_->size == 0 && call.request.has_header("x-oss-server-side-encryption"));
        if (begins_)
            created_ = call.daemon.crypto.create(decision, call.user, call.place(), ossenc::Shape::Segmented, false);
        // Each append is one part and one generation.
        if (!begins_) generation_ = old_->generation + 1;
        body_.emplace(*call.bucket, created_.key, created_.protection, static_cast<uint32_t>(generation_));
        if (begins_ || old_->segments.back().size >= SETTLED) return;
        std::string again = read_last_segment(old_, created_.key);
        body_->write_again(again);
        replaced_ = again.size();
        replaces_ = true;
    }

    void write(std::string_view piece) override { body_->write(piece); }

    Response finish() override {
        Written written = body_->finish();
        check_md5(call_.request, written.md5);
        Record record;
        Facts facts = facts_;
        if (!begins_) record.segments = old_->segments;
        if (replaces_) record.segments.pop_back();
        record.name = call_.key;
        record.kind = Kind::Appendable;
        record.modified = now();
        record.protection = created_.protection;
        record.generation = generation_;
        if (created_.key)
            record.manifest = begins_ ? seal_manifest(created_.key, {written.receipt})
                                      : append_manifest(created_.key, old_->manifest, written.receipt, replaces_);
        facts.etag = to_hex(md5(facts.etag + written.md5), true);
        if (!replaces_) facts.crc64_before = facts.crc64;
        facts.crc64 = ossenc::crc64_combine(facts.crc64_before, written.crc64, written.segment.size);
        facts.size += written.segment.size - replaced_;
        record.segments.push_back(std::move(written.segment));
        Response response;
        response.headers =
            call_.daemon.crypto.answer(begins_ ? Operation::AppendFirst : Operation::AppendLater, created_.protection);
        append(response.headers, {{"ETag", quoted(facts.etag)},
                                  {"x-oss-hash-crc64ecma", told_crc64(facts.crc64)},
                                  {"x-oss-next-append-position", std::to_string(facts.size)}});
        set_facts(record, created_.key, std::move(facts));
        commit(record);
        return response;
    }

  private:
    [[noreturn]] static void refuse_position(const RecordPtr &now) {
        throw Refused(409, "PositionNotEqualToLength", "Position is not equal to file length.",
                      {{"x-oss-next-append-position", std::to_string(now ? now->size : 0)}});
    }

    void commit(const Record &record) {
        if (call_.bucket->put_if(old_, record)) return;
        RecordPtr now = call_.bucket->find(call_.key);
        // A rewrap meanwhile has changed the envelope alone: all that was sealed stays true. Anything else was first.
        if (!old_ || !now || now->generation != old_->generation || now->facts != old_->facts) refuse_position(now);
        Record again = record;
        if (!begins_) again.protection = now->protection;
        if (!call_.bucket->put_if(now, std::move(again))) refuse_position(call_.bucket->find(call_.key));
    }

    Call call_;
    RecordPtr old_;
    Crypto::Created created_;
    Facts facts_; // as they are before
    bool begins_ = true;
    uint64_t generation_ = 1;
    bool replaces_ = false; // the last segment, of so many bytes
    uint64_t replaced_ = 0;
    std::optional<BodyWriter> body_;
};

Begun serve_append(const Call &call) {
    auto position = parse_number(call.request.parameter("position"));
    if (!position) refuse_argument("The parameter position is not valid.");
    return {std::make_unique<AppendSink>(call, *position), std::nullopt};
}

} // namespace

Begun serve_object(const Call &call) {
    const std::string &method = call.request.method;
    for (const char *name : {"tagging", "symlink", "restore", "x-oss-process", "x-oss-async-process", "callback"})
        if (call.has(name)) refuse_not_built();
    check_acl(call.request.header("x-oss-object-acl"));
    if (has_upload(call)) return serve_upload(call);
    if (call.has("acl") && (method == "GET" || method == "PUT")) return {nullptr, object_acl(call)};
    if (method == "GET") return {nullptr, read_object(call, Operation::GetObject)};
    if (method == "HEAD") return {nullptr, read_object(call, Operation::HeadObject)};
    if (method == "DELETE") return {nullptr, delete_object(call)};
    if (method == "PUT" && is_copy(call.request)) return {nullptr, copy_object(call)};
    if (method == "PUT") return {std::make_unique<PutSink>(call), std::nullopt};
    if (method == "POST" && call.has("append")) return serve_append(call);
    refuse_not_built();
}

} // namespace ossd
