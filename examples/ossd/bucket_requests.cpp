// Requests about the service and about buckets: lists, rules of encryption, what a bucket is.
#include "requests.hpp"

#include "text.hpp"
#include "xml.hpp"

#include <set>

namespace ossd {

namespace {

using ossenc::sse::RuleForm;

const std::string REGION = "oss-local", OWNER = "ossd", STORAGE_CLASS = "Standard";
constexpr uint64_t KEYS_MAX = 1000, KEYS_DEFAULT = 100;

// What a bucket can have at OSS, and has not here. Without it, GET of such a thing would be a list of objects.
const std::set<std::string_view> NOT_BUILT = {"cname",
                                              "cors",
                                              "inventory",
                                              "lifecycle",
                                              "logging",
                                              "metaQuery",
                                              "policy",
                                              "publicAccessBlock",
                                              "qosInfo",
                                              "referer",
                                              "replication",
                                              "replicationLocation",
                                              "replicationProgress",
                                              "requestPayment",
                                              "resourceGroup",
                                              "style",
                                              "tagging",
                                              "transferAcceleration",
                                              "versions",
                                              "website",
                                              "worm",
                                              "httpsConfig",
                                              "accessPoint"};

void check_built(const Call &call) {
    for (const auto &[name, value] : call.request.query)
        if (NOT_BUILT.count(name)) refuse_not_built();
}

void add_owner(pugi::xml_node to) {
    pugi::xml_node owner = to.append_child("Owner");
    add(owner, "ID", OWNER);
    add(owner, "DisplayName", OWNER);
}

// What ListBuckets and GetBucketInfo say alike. The endpoint is the host and port that the client used.
void add_bucket(pugi::xml_node to, const Call &call, const Bucket &bucket) {
    std::string host = call.request.header("host");
    if (starts_with(host, bucket.name() + ".")) host.erase(0, bucket.name().size() + 1);
    add(to, "CreationDate", iso_date(bucket.created()));
    add(to, "ExtranetEndpoint", host);
    add(to, "IntranetEndpoint", host);
    add(to, "Location", REGION);
    add(to, "Name", bucket.name());
    add(to, "StorageClass", STORAGE_CLASS);
}

// The ETag of an object that is listed. It is sealed; where the key cannot be used now, there is none to tell.
std::string listed_etag(const Call &call, const RecordPtr &record) {
    try {
        ObjectKey key = record->known.get()
                            ? nullptr
                            : call.daemon.crypto.open(record->protection, nullptr, {call.bucket->id(), record->name});
        return quoted(facts_of(record, key)->etag);
    } catch (const std::exception &) { return quoted(""); }
}

Response list_objects(const Call &call) {
    const Request &request = call.request;
    bool second = request.parameter("list-type") == "2";
    ListQuery query;
    query.prefix = request.parameter("prefix");
    query.delimiter = request.parameter("delimiter");
    query.max = number_parameter(request, "max-keys", KEYS_DEFAULT, 1, KEYS_MAX);
    query.marker = request.parameter(second ? "start-after" : "marker");
    if (second && !request.parameter("continuation-token").empty()) {
        auto marker = from_base64(request.parameter("continuation-token"));
        if (!marker) refuse_argument("The continuation token is not valid.");
        query.marker = *marker;
    }
    Listing listing = call.bucket->list(query);
    return xml_response(make_xml("ListBucketResult", [&](pugi::xml_node root) {
        auto tell = [&](const char *name, const std::string &value) { add(root, name, told_name(request, value)); };
        add(root, "Name", call.bucket->name());
        tell("Prefix", query.prefix);
        tell(second ? "StartAfter" : "Marker", request.parameter(second ? "start-after" : "marker"));
        add(root, "MaxKeys", query.max);
        tell("Delimiter", query.delimiter);
        if (request.parameter("encoding-type") == "url") add(root, "EncodingType", "url");
        add(root, "IsTruncated", listing.next.empty() ? "false" : "true");
        if (second) add(root, "KeyCount", listing.objects.size() + listing.prefixes.size());
        if (second && !request.parameter("continuation-token").empty())
            add(root, "ContinuationToken", request.parameter("continuation-token"));
        if (!listing.next.empty() && second) add(root, "NextContinuationToken", to_base64(listing.next));
        if (!listing.next.empty() && !second) tell("NextMarker", listing.next);
        for (const RecordPtr &record : listing.objects) {
            pugi::xml_node contents = root.append_child("Contents");
            add(contents, "Key", told_name(request, record->name));
            add(contents, "LastModified", iso_date(record->modified));
            add(contents, "ETag", listed_etag(call, record));
            add(contents, "Type", kind_name(record->kind));
            add(contents, "Size", record->size);
            add(contents, "StorageClass", STORAGE_CLASS);
            if (!second || request.parameter("fetch-owner") == "true") add_owner(contents);
        }
        for (const std::string &prefix : listing.prefixes)
            add(root.append_child("CommonPrefixes"), "Prefix", told_name(request, prefix));
    }));
}

Response list_uploads(const Call &call) {
    const Request &request = call.request;
    const std::string &prefix = request.parameter("prefix"), &marker = request.parameter("key-marker"),
                      &id_marker = request.parameter("upload-id-marker");
    uint64_t max = number_parameter(request, "max-uploads", KEYS_MAX, 1, KEYS_MAX);
    std::vector<std::shared_ptr<const UploadRecord>> page;
    bool more = false;
    for (const auto &upload : call.bucket->uploads().all()) {
        auto record = upload->record();
        bool before = record->name < marker || (record->name == marker && !marker.empty() && record->id <= id_marker) ||
                      (record->name == marker && !marker.empty() && id_marker.empty());
        if (before || !starts_with(record->name, prefix)) continue;
        more = page.size() == max;
        if (more) break;
        page.push_back(record);
    }
    return xml_response(make_xml("ListMultipartUploadsResult", [&](pugi::xml_node root) {
        add(root, "Bucket", call.bucket->name());
        if (request.parameter("encoding-type") == "url") add(root, "EncodingType", "url");
        add(root, "KeyMarker", told_name(request, marker));
        add(root, "UploadIdMarker", id_marker);
        add(root, "NextKeyMarker", more ? told_name(request, page.back()->name) : "");
        add(root, "NextUploadIdMarker", more ? page.back()->id : "");
        add(root, "Delimiter", "");
        add(root, "Prefix", told_name(request, prefix));
        add(root, "MaxUploads", max);
        add(root, "IsTruncated", more ? "true" : "false");
        for (const auto &record : page) {
            pugi::xml_node upload = root.append_child("Upload");
            add(upload, "Key", told_name(request, record->name));
            add(upload, "UploadId", record->id);
            add(upload, "Initiated", iso_date(record->begun));
            add(upload, "StorageClass", STORAGE_CLASS);
        }
    }));
}

Response bucket_info(const Call &call) {
    call.decide(Operation::GetBucketInfo);
    return xml_response(make_xml("BucketInfo", [&](pugi::xml_node root) {
        pugi::xml_node bucket = root.append_child("Bucket");
        add_bucket(bucket, call, *call.bucket);
        add_owner(bucket);
        add(bucket.append_child("AccessControlList"), "Grant", "private");
        std::string rule = call.daemon.crypto.rule(call.bucket->rule(), RuleForm::BucketInfo);
        bucket.append_buffer(rule.data(), rule.size());
    }));
}

Response bucket_statistics(const Call &call) {
    uint64_t bytes = 0, objects = 0;
    for (const RecordPtr &record : call.bucket->all()) bytes += record->size, objects++;
    return xml_response(make_xml("BucketStat", [&](pugi::xml_node root) {
        add(root, "Storage", bytes);
        add(root, "ObjectCount", objects);
        add(root, "MultipartUploadCount", call.bucket->uploads().all().size());
    }));
}

Response acl() {
    return xml_response(make_xml("AccessControlPolicy", [&](pugi::xml_node root) {
        add_owner(root);
        add(root.append_child("AccessControlList"), "Grant", "private");
    }));
}

Response channels() {
    return xml_response(make_xml("ListLiveChannelResult", [&](pugi::xml_node root) {
        for (const char *name : {"Prefix", "Marker", "NextMarker"}) add(root, name, "");
        add(root, "MaxKeys", KEYS_DEFAULT);
        add(root, "IsTruncated", "false");
    }));
}

Response get_bucket(const Call &call) {
    if (call.has("bucketInfo")) return bucket_info(call);
    if (call.has("encryption")) {
        call.decide(Operation::GetBucketEncryption);
        return xml_response(call.daemon.crypto.rule(call.bucket->rule(), RuleForm::Oss));
    }
    call.decide(Operation::Other);
    if (call.has("acl")) return acl();
    if (call.has("uploads")) return list_uploads(call);
    if (call.has("stat")) return bucket_statistics(call);
    if (call.has("live")) return channels();
    if (call.has("versioning")) return xml_response(make_xml("VersioningConfiguration", [](pugi::xml_node) {}));
    if (call.has("location"))
        return xml_response(
            make_xml("LocationConstraint", [](pugi::xml_node root) { root.text().set(REGION.c_str()); }));
    return list_objects(call);
}

Begun put_bucket(const Call &call) {
    if (call.has("encryption")) {
        call.decide(Operation::PutBucketEncryption);
        return with_document(call, [call](const std::string &document) {
            // An empty document would be no rule at all, which the library takes for a question.
            if (document.empty()) throw Refused(400, "MalformedXML", "The request has no document.");
            call.bucket->set_rule(call.daemon.crypto.rule(document, RuleForm::Oss));
            return Response();
        });
    }
    if (call.has("versioning")) refuse_not_built();
    check_acl(call.request.header("x-oss-acl"));
    if (call.has("acl")) {
        call.decide(Operation::Other);
        return {nullptr, Response()};
    }
    auto decision = call.daemon.crypto.resolve(Operation::PutBucket, call.request);
    std::string rule(decision.rule());
    return with_document(call, [call, rule](const std::string &) {
        // Who has the bucket already makes it again without harm; its rule stays, unless the request names one.
        if (!call.daemon.store.create(call.bucket_name, rule) && !rule.empty())
            call.daemon.store.get(call.bucket_name)->set_rule(rule);
        Response response;
        response.headers.emplace_back("Location", "/" + call.bucket_name);
        return response;
    });
}

Response delete_bucket(const Call &call) {
    Response response;
    response.status = 204;
    if (call.has("encryption")) {
        call.decide(Operation::DeleteBucketEncryption);
        call.bucket->set_rule("");
        return response;
    }
    call.decide(Operation::Other);
    call.daemon.store.remove(call.bucket_name);
    return response;
}

Begun delete_objects(const Call &call) {
    call.decide(Operation::Other);
    return with_document(call, [call](const std::string &document) {
        Deletion deletion = parse_delete(document);
        for (const std::string &key : deletion.keys) call.bucket->remove(key);
        return xml_response(make_xml("DeleteResult", [&](pugi::xml_node root) {
            if (call.request.parameter("encoding-type") == "url") add(root, "EncodingType", "url");
            if (deletion.quiet) return;
            for (const std::string &key : deletion.keys)
                add(root.append_child("Deleted"), "Key", told_name(call.request, key));
        }));
    });
}

} // namespace

Begun serve_service(const Call &call) {
    call.decide(Operation::Other);
    if (call.request.method != "GET") throw Refused(405, "MethodNotAllowed", "The specified method is not allowed.");
    const std::string &prefix = call.request.parameter("prefix"), &marker = call.request.parameter("marker");
    uint64_t max = number_parameter(call.request, "max-keys", KEYS_DEFAULT, 1, KEYS_MAX);
    std::vector<std::shared_ptr<Bucket>> page;
    bool more = false;
    for (const auto &bucket : call.daemon.store.all()) {
        if (bucket->name() <= marker || !starts_with(bucket->name(), prefix)) continue;
        more = page.size() == max;
        if (more) break;
        page.push_back(bucket);
    }
    return {nullptr, xml_response(make_xml("ListAllMyBucketsResult", [&](pugi::xml_node root) {
                add(root, "Prefix", prefix);
                add(root, "Marker", marker);
                add(root, "MaxKeys", max);
                add(root, "IsTruncated", more ? "true" : "false");
                add(root, "NextMarker", more ? page.back()->name() : "");
                add_owner(root);
                pugi::xml_node buckets = root.append_child("Buckets");
                for (const auto &bucket : page) add_bucket(buckets.append_child("Bucket"), call, *bucket);
            }))};
}

Begun serve_bucket(const Call &call) {
    check_built(call);
    const std::string &method = call.request.method;
    if (method == "PUT") return put_bucket(call);
    if (method == "GET") return {nullptr, get_bucket(call)};
    if (method == "DELETE") return {nullptr, delete_bucket(call)};
    if (method == "POST" && call.has("delete")) return delete_objects(call);
    if (method == "HEAD") {
        call.decide(Operation::Other);
        return {nullptr, Response()};
    }
    refuse_not_built();
}

} // namespace ossd
