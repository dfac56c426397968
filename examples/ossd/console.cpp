#include "console.hpp"

#include "maintenance.hpp"
#include "text.hpp"
#include "xml.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace ossd {

namespace {

using nlohmann::json;
using ossenc::Change;
using ossenc::or_throw;
using ossenc::sse::RuleForm;

constexpr size_t BODY_MAX = 64 << 10;
constexpr uint64_t SECONDS_A_DAY = 24 * 3600;

// The page, in the binary: see build.sh.
const char PAGE[] =
#include "console_page.inc"
    ;

Response json_response(const json &value) {
    Response response;
    response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
    response.body = value.dump();
    return response;
}

Response page_response() {
    Response response;
    response.headers = {{"Content-Type", "text/html; charset=utf-8"},
                        {"Cache-Control", "no-store"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Content-Security-Policy",
                         "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                         "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                         "frame-ancestors 'none'"}};
    response.body = PAGE;
    return response;
}

const char *method_name(uint32_t method) {
    return method == OSSENC_METHOD_SSE_OSS ? "OSS-Managed" : method == OSSENC_METHOD_SSE_KMS ? "KMS" : "None";
}

json tell_rule(const std::string &document) {
    Rule rule = parse_rule(document);
    return {{"method", rule.algorithm == "KMS"      ? "KMS"
                       : rule.algorithm == "AES256" ? "OSS-Managed"
                                                    : "None"},
            {"key_id", rule.key_id}};
}

std::string text(const json &body, const char *name) {
    auto found = body.find(name);
    if (found == body.end() || found->is_null()) return "";
    if (!found->is_string()) refuse_argument(std::string(name) + " has to be text.");
    return *found;
}

uint32_t number(const json &body, const char *name) {
    auto found = body.find(name);
    if (found == body.end() || !found->is_number_unsigned() || *found > 1000000u)
        refuse_argument(std::string(name) + " has to be a number.");
    return *found;
}

// OSS's document of a rule; empty for none. The library says whether it is one.
std::string read_rule(const Daemon &daemon, const json &rule) {
    if (!rule.is_object()) refuse_argument("A rule is an object with method and key_id.");
    std::string method = text(rule, "method");
    if (method == "None" || method.empty()) return "";
    if (method != "OSS-Managed" && method != "KMS") refuse_argument("The method is None, OSS-Managed or KMS.");
    return daemon.crypto.rule(make_rule({method == "KMS" ? "KMS" : "AES256", text(rule, "key_id")}), RuleForm::Oss);
}

json describe_bucket(const Bucket &bucket) {
    uint64_t bytes = 0, objects = 0;
    for (const RecordPtr &record : bucket.all()) bytes += record->size, objects++;
    return {{"name", bucket.name()},
            {"created", bucket.created()},
            {"objects", objects},
            {"bytes", bytes},
            {"uploads", bucket.uploads().all().size()},
            {"rule", tell_rule(bucket.rule())}};
}

json list_objects(const Daemon &daemon, const Bucket &bucket, const Request &request) {
    ListQuery query;
    query.prefix = request.parameter("prefix");
    query.marker = request.parameter("marker");
    query.max = number_parameter(request, "max", 100, 1, 1000);
    Listing listing = bucket.list(query);
    json objects = json::array();
    for (const RecordPtr &record : listing.objects) {
        json object = {{"name", record->name},
                       {"size", record->size},
                       {"modified", record->modified},
                       {"method", method_name(record->protection.method)},
                       {"key_id", ""},
                       {"key_version", ""},
                       {"lags", daemon.crypto.lags(record->protection)}};
        if (record->protection.method != 0) {
            auto info = or_throw(ossenc::EnvelopeInfo::read(record->protection.envelope));
            object["key_id"] = info.key_id();
            object["key_version"] = info.key_version();
        }
        objects.push_back(std::move(object));
    }
    return {{"objects", objects}, {"next", listing.next}};
}

const char *state_name(ossenc::KeyState state) {
    switch (state) {
    case ossenc::KeyState::Enabled: return "Enabled";
    case ossenc::KeyState::Disabled: return "Disabled";
    case ossenc::KeyState::PendingDeletion: return "PendingDeletion";
    case ossenc::KeyState::PendingImport: return "PendingImport";
    }
    return "";
}

const char *state_name(ossenc::VersionState state) {
    switch (state) {
    case ossenc::VersionState::Staged: return "Staged";
    case ossenc::VersionState::Active: return "Active";
    case ossenc::VersionState::Retired: return "Retired";
    case ossenc::VersionState::Destroyed: return "Destroyed";
    }
    return "";
}

json describe_key(const ossenc::Keystore &keystore, size_t index) {
    auto key = or_throw(keystore.key(index));
    json aliases = json::array(), versions = json::array(), due = json::array();
    for (size_t i = 0; i < key.aliases(); i++) aliases.push_back(or_throw(keystore.alias(index, i)));
    for (size_t i = 0; i < key.versions(); i++) {
        auto version = or_throw(keystore.version(index, i));
        versions.push_back({{"version", std::to_string(version.number())},
                            {"state", state_name(version.state())},
                            {"created", version.created_at()}});
    }
    const std::pair<ossenc::Due, const char *> what[] = {
        {ossenc::Due::Rotation, "rotation"}, {ossenc::Due::Deletion, "deletion"}, {ossenc::Due::Expiry, "expiry"}};
    for (const auto &[kind, name] : what) {
        auto ids = or_throw(keystore.due(kind, now()));
        if (std::find(ids.begin(), ids.end(), key.key_id()) != ids.end()) due.push_back(name);
    }
    return {{"key_id", key.key_id()},
            {"aliases", aliases},
            {"state", state_name(key.state())},
            {"origin", key.imported() ? "imported" : "service"},
            {"service", key.key_id() == Keys::SERVICE_KEY},
            {"primary", key.primary() ? std::to_string(key.primary()) : ""},
            {"created", key.created_at()},
            {"rotated", key.last_rotated_at()},
            {"period_days", key.period_s() / SECONDS_A_DAY},
            {"delete_at", key.delete_at()},
            {"due", due},
            {"versions", versions}};
}

json describe_key(const Daemon &daemon, const std::string &id) {
    auto keystore = daemon.keys.snapshot();
    return describe_key(*keystore, or_throw(keystore->find(id)));
}

json list_keys(const Daemon &daemon) {
    auto keystore = daemon.keys.snapshot();
    json keys = json::array();
    for (size_t i = 0; i < keystore->keys(); i++)
        if (daemon.keys.kms() || or_throw(keystore->key(i)).key_id() == Keys::SERVICE_KEY)
            keys.push_back(describe_key(*keystore, i));
    return {{"generation", keystore->generation()}, {"kms", daemon.keys.kms()}, {"keys", keys}};
}

json tell_census(Daemon &daemon) {
    Counted counted = count_all(daemon);
    json entries = json::array();
    for (size_t i = 0; i < counted.census.entries(); i++) {
        auto entry = or_throw(counted.census.entry(i));
        entries.push_back({{"kind", entry.kind() == 1 ? "local" : "other"},
                           {"key_id", entry.key_id()},
                           {"key_version", entry.key_version()},
                           {"count", entry.count()}});
    }
    return {{"envelopes", counted.census.envelopes()}, {"plain", counted.plain}, {"entries", entries}};
}

void retire(Daemon &daemon, const std::string &id, const std::string &version) {
    if (or_throw(count_all(daemon).census.count(id, version)) > 0)
        throw Refused(409, "InvalidKeyState", "Objects are still under this version: rewrap first.");
    daemon.keys.change(Change::retire(id, version));
}

json act_on_key(Daemon &daemon, const std::string &id_or_alias, const std::string &action, const json &body) {
    std::string id = daemon.keys.resolve(id_or_alias);
    if (action == "rotate")
        daemon.keys.rotate(id);
    else if (action == "disable")
        daemon.keys.change(Change::disable(id));
    else if (action == "enable")
        daemon.keys.change(Change::enable(id));
    else if (action == "schedule-deletion")
        daemon.keys.change(Change::schedule_deletion(id, number(body, "days")));
    else if (action == "cancel-deletion")
        daemon.keys.change(Change::cancel_deletion(id));
    else if (action == "period")
        daemon.keys.change(Change::period(id, number(body, "days") * SECONDS_A_DAY));
    else if (action == "retire")
        retire(daemon, id, text(body, "version"));
    else
        throw Refused(404, "NotFound", "There is no such action.");
    return describe_key(daemon, id);
}

json create_bucket(Daemon &daemon, const json &body) {
    std::string rule = body.contains("rule") ? read_rule(daemon, body["rule"]) : "";
    auto bucket = daemon.store.create(text(body, "name"), rule);
    if (!bucket) throw Refused(409, "BucketAlreadyExists", "There is a bucket of that name.");
    return describe_bucket(*bucket);
}

json serve_buckets(Daemon &daemon, const Request &request, const std::vector<std::string> &path, const json &body) {
    const std::string &method = request.method;
    if (path.size() == 1 && method == "GET") {
        json buckets = json::array();
        for (const auto &bucket : daemon.store.all()) buckets.push_back(describe_bucket(*bucket));
        return {{"buckets", buckets}};
    }
    if (path.size() == 1 && method == "POST") return create_bucket(daemon, body);
    if (path.size() == 2 && method == "DELETE") {
        daemon.store.remove(path[1]);
        return json::object();
    }
    if (path.size() == 3 && path[2] == "rule" && method == "PUT") {
        auto bucket = daemon.store.get(path[1]);
        bucket->set_rule(read_rule(daemon, body));
        return {{"rule", tell_rule(bucket->rule())}};
    }
    if (path.size() == 3 && path[2] == "objects" && method == "GET")
        return list_objects(daemon, *daemon.store.get(path[1]), request);
    throw Refused(405, "MethodNotAllowed", "There is no such request.");
}

json serve_keys(Daemon &daemon, const Request &request, const std::vector<std::string> &path, const json &body) {
    if (path.size() == 1 && request.method == "GET") return list_keys(daemon);
    if (path.size() == 1 && request.method == "POST")
        return describe_key(
            daemon, daemon.keys.create(text(body, "key_id"), text(body, "alias"), text(body, "origin") == "imported"));
    if (path.size() == 3 && request.method == "POST") return act_on_key(daemon, path[1], path[2], body);
    throw Refused(405, "MethodNotAllowed", "There is no such request.");
}

// `path` is what is below /-/api/, decoded piece by piece.
Response serve(Daemon &daemon, const Request &request, const std::vector<std::string> &path,
               const std::string &document) {
    json body = document.empty() ? json::object() : json::parse(document, nullptr, false);
    if (!body.is_object()) refuse_argument("The body is no JSON object.");
    const bool get = request.method == "GET", post = request.method == "POST";
    try {
        if (path[0] == "buckets") return json_response(serve_buckets(daemon, request, path, body));
        if (path[0] == "keys") return json_response(serve_keys(daemon, request, path, body));
        if (path.size() == 1 && path[0] == "census" && get) return json_response(tell_census(daemon));
        if (path.size() == 1 && path[0] == "rewrap" && post) {
            Rewrapped counts = rewrap_all(daemon);
            return json_response(
                {{"rewrapped", counts.rewrapped}, {"current", counts.current}, {"failed", counts.failed}});
        }
        if (path.size() == 1 && path[0] == "stats" && get) {
            Response response;
            response.headers = {{"Content-Type", "text/plain; version=0.0.4"}, {"Cache-Control", "no-store"}};
            response.body = or_throw(daemon.keys.keyring().stats());
            return response;
        }
    } catch (const ossenc::Exception &why) {
        switch (why.status()) {
        case ossenc::Status::NoVersion: throw Refused(404, "KeyNotFound", "There is no such key, alias or version.");
        case ossenc::Status::State:
        case ossenc::Status::KeyState: throw Refused(409, "InvalidKeyState", why.what());
        case ossenc::Status::Argument: refuse_argument(why.what());
        default: throw;
        }
    }
    throw Refused(404, "NotFound", "There is no such request.");
}

const std::string PAGE_PATH = "/-/console", API_PATH = "/-/api/";

} // namespace

Console::Console(Daemon &daemon) : daemon_(daemon), token_(to_base64(random_bytes(32))) {
    // As addresses have it: without what would have to be encoded there.
    std::replace(token_.begin(), token_.end(), '+', '-');
    std::replace(token_.begin(), token_.end(), '/', '_');
    token_.erase(token_.find('='));
}

bool Console::serves(const Request &request) { return starts_with(request.path, "/-/"); }

Begun Console::begin(const Request &request) {
    if (request.path == PAGE_PATH && request.method == "GET") return {nullptr, page_response()};
    const std::string &given =
        request.has_header("x-ossd-token") ? request.header("x-ossd-token") : request.parameter("token");
    if (!equal_secret(given, token_)) throw Refused(403, "AccessDenied", "The token is missing or wrong.");
    if (!starts_with(request.path, API_PATH)) throw Refused(404, "NotFound", "There is no such page.");
    std::vector<std::string> path;
    for (size_t begin = API_PATH.size(); begin <= request.path.size();) {
        size_t end = std::min(request.path.find('/', begin), request.path.size());
        auto piece = percent_decode(std::string_view(request.path).substr(begin, end - begin));
        if (!piece) refuse_argument("The address is not well encoded.");
        path.push_back(std::move(*piece));
        begin = end + 1;
    }
    return {take_document(BODY_MAX, [this, &request,
                                     path](std::string document) { return serve(daemon_, request, path, document); }),
            std::nullopt};
}

Response Console::refuse(const Refused &why) const {
    Response response = json_response({{"error", {{"code", why.code}, {"message", why.message}}}});
    response.status = why.status;
    return response;
}

} // namespace ossd
