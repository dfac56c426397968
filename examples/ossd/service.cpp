#include "service.hpp"

#include "sign.hpp"
#include "text.hpp"

namespace ossd {

namespace {

constexpr size_t KEY_MAX = 1023;

// The bucket in a host `bucket.anything`: a name, not an address of numbers. Empty if there is none.
std::string bucket_of_host(std::string host) {
    host = host.substr(0, host.rfind(':') == std::string::npos || host.back() == ']' ? host.size() : host.rfind(':'));
    size_t dot = host.find('.');
    if (dot == std::string::npos || dot == 0 || host.find_first_not_of("0123456789.") == std::string::npos ||
        host[0] == '[')
        return "";
    return host.substr(0, dot);
}

// In the style with the bucket in the host every path is an object's.
bool is_console(const Request &request) {
    return Console::serves(request) && bucket_of_host(request.header("host")).empty();
}

// Names are text, so that lists can tell them.
void check_key(const std::string &key) {
    if (key.size() > KEY_MAX || !is_utf8(key) || key[0] == '/' || key[0] == '\\' || key.find('\0') != std::string::npos)
        throw Refused(400, "InvalidObjectName", "The specified object is not valid.");
}

Target find_target(const Request &request) {
    Target target;
    target.bucket = bucket_of_host(request.header("host"));
    auto path = percent_decode(request.path);
    if (!path || !starts_with(*path, "/")) refuse_argument("The address is not well encoded.");
    std::string rest = path->substr(1);
    if (target.bucket.empty()) {
        size_t slash = std::min(rest.find('/'), rest.size());
        target.bucket = rest.substr(0, slash);
        rest.erase(0, slash + 1);
    }
    target.key = rest;
    if (target.bucket.empty() && !target.key.empty())
        throw Refused(400, "InvalidBucketName", "The specified bucket is not valid.");
    return target;
}

} // namespace

Begun Service::begin(const Request &request) {
    if (is_console(request)) return console_.begin(request);
    Target target = find_target(request);
    const User &user = verify_signature(daemon_.users, request, target);
    Call call{daemon_, request, user, nullptr, target.bucket, target.key};
    if (target.bucket.empty()) return serve_service(call);
    if (!target.key.empty()) check_key(target.key);
    // The one request about a bucket that is not there.
    bool makes = request.method == "PUT" && target.key.empty() && !call.has("encryption") && !call.has("acl");
    if (!makes) call.bucket = daemon_.store.get(target.bucket);
    return target.key.empty() ? serve_bucket(call) : serve_object(call);
}

Response Service::refuse(const Request &request, const Refused &why) {
    if (is_console(request)) return console_.refuse(why);
    Response response;
    response.status = why.status;
    response.headers = why.headers;
    if (why.status == 304) return response;
    std::string host = request.header("host"); // of whoever it is: nobody has signed it yet
    if (!is_utf8(host)) host.clear();
    auto body = [&](bool head) {
        ossenc::sse::RequestInfo info{request.id, host, {}, {}};
        return ossenc::or_throw(ossenc::sse::error_body(ossenc::sse::Dialect::Oss, why.code, why.message, info, head));
    };
    if (request.method == "HEAD") {
        response.headers.emplace_back("x-oss-err", body(true));
    } else {
        response.headers.emplace_back("Content-Type", "application/xml");
        response.body = body(false);
    }
    return response;
}

Headers Service::common(const Request &request) {
    Headers headers = {{"Server", "ossd"}, {"x-oss-request-id", request.id}, {"X-Content-Type-Options", "nosniff"}};
    // An object that is a page must not act as one of the console's origin.
    if (!is_console(request)) headers.emplace_back("Content-Security-Policy", "sandbox");
    return headers;
}

} // namespace ossd
