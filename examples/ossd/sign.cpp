#include "sign.hpp"

#include "digest.hpp"
#include "text.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace ossd {

namespace {

constexpr int64_t SKEW_SECONDS = 15 * 60;
constexpr uint64_t PRESIGNED_SECONDS = 7 * 24 * 3600;

// The parameters that V1 signs: those that change what is done.
const std::set<std::string_view> SUBRESOURCES = {"acl",
                                                 "append",
                                                 "asyncFetch",
                                                 "bucketInfo",
                                                 "callback",
                                                 "callback-var",
                                                 "cname",
                                                 "comp",
                                                 "continuation-token",
                                                 "cors",
                                                 "delete",
                                                 "encryption",
                                                 "endTime",
                                                 "group",
                                                 "inventory",
                                                 "inventoryId",
                                                 "lifecycle",
                                                 "link",
                                                 "live",
                                                 "location",
                                                 "logging",
                                                 "metaQuery",
                                                 "objectInfo",
                                                 "objectMeta",
                                                 "partNumber",
                                                 "policy",
                                                 "position",
                                                 "qos",
                                                 "qosInfo",
                                                 "referer",
                                                 "regionList",
                                                 "replication",
                                                 "replicationLocation",
                                                 "replicationProgress",
                                                 "requestPayment",
                                                 "resourceGroup",
                                                 "response-cache-control",
                                                 "response-content-disposition",
                                                 "response-content-encoding",
                                                 "response-content-language",
                                                 "response-content-type",
                                                 "response-expires",
                                                 "restore",
                                                 "security-token",
                                                 "sequential",
                                                 "startTime",
                                                 "stat",
                                                 "status",
                                                 "style",
                                                 "styleName",
                                                 "symlink",
                                                 "tagging",
                                                 "transferAcceleration",
                                                 "uploadId",
                                                 "uploads",
                                                 "versionId",
                                                 "versioning",
                                                 "versions",
                                                 "vod",
                                                 "website",
                                                 "worm",
                                                 "wormExtend",
                                                 "wormId",
                                                 "x-oss-ac-forward-allow",
                                                 "x-oss-ac-source-ip",
                                                 "x-oss-ac-subnet-mask",
                                                 "x-oss-ac-vpc-id",
                                                 "x-oss-async-process",
                                                 "x-oss-process",
                                                 "x-oss-request-payer",
                                                 "x-oss-traffic-limit"};

[[noreturn]] void deny(const std::string &code, const std::string &message) { throw Refused(403, code, message); }

[[noreturn]] void deny_malformed() { deny("AccessDenied", "The request's signature is malformed."); }

const User &find_user(const Users &users, const std::string &access_key) {
    const User *user = users.find(access_key);
    if (!user) deny("InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.");
    return *user;
}

void compare(std::string_view made, std::string_view given) {
    if (!equal_secret(made, given))
        deny("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. "
                                      "Check your key and signing method.");
}

void check_time(std::optional<int64_t> signed_at) {
    if (!signed_at) deny("AccessDenied", "The request has no valid date.");
    if (std::llabs(*signed_at - now()) > SKEW_SECONDS)
        deny("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.");
}

// `name=value`, or `name` alone where the value is empty; sorted, with `&` between.
std::string join_query(Headers pairs, bool encode) {
    if (encode)
        for (auto &[name, value] : pairs) name = percent_encode(name), value = percent_encode(value);
    std::sort(pairs.begin(), pairs.end());
    std::string text;
    for (const auto &[name, value] : pairs)
        text += (text.empty() ? "" : "&") + name + (value.empty() ? "" : "=" + value);
    return text;
}

// `name:value` and a line end for each header that is wanted, sorted.
template <typename Wanted> std::string join_headers(const Request &request, Wanted wanted) {
    Headers chosen;
    std::copy_if(request.headers.begin(), request.headers.end(), std::back_inserter(chosen),
                 [&](const auto &header) { return wanted(header.first); });
    std::sort(chosen.begin(), chosen.end());
    std::string text;
    for (const auto &[name, value] : chosen) text += name + ":" + value + "\n";
    return text;
}

std::string make_v1(const Request &request, const Target &target, const std::string &date, const User &user) {
    Headers signed_parameters;
    std::copy_if(request.query.begin(), request.query.end(), std::back_inserter(signed_parameters),
                 [](const auto &parameter) { return SUBRESOURCES.count(parameter.first) > 0; });
    std::string query = join_query(std::move(signed_parameters), false);
    std::string text =
        request.method + "\n" + request.header("content-md5") + "\n" + request.header("content-type") + "\n" + date +
        "\n" + join_headers(request, [](const std::string &name) { return starts_with(name, "x-oss-"); }) + "/" +
        (target.bucket.empty() ? "" : target.bucket + "/" + target.key) + (query.empty() ? "" : "?" + query);
    return to_base64(hmac_sha1(user.secret, text));
}

// What V4 signs with, wherever it stands.
struct V4 {
    std::string credential; // access key / date / region / oss / aliyun_v4_request
    std::string additional; // names of further headers that are signed, `;` between
    std::string signature;
    std::string date; // as 20261121T144406Z
};

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= text.size();) {
        size_t end = std::min(text.find(separator, begin), text.size());
        parts.emplace_back(trim(std::string_view(text).substr(begin, end - begin)));
        begin = end + 1;
    }
    return parts;
}

const User &verify_v4(const Users &users, const Request &request, const Target &target, const V4 &v4) {
    std::vector<std::string> scope = split(v4.credential, '/');
    if (scope.size() != 5 || scope[1] != v4.date.substr(0, 8) || scope[3] != "oss" || scope[4] != "aliyun_v4_request")
        deny_malformed();
    const User &user = find_user(users, scope[0]);

    std::vector<std::string> additional =
        v4.additional.empty() ? std::vector<std::string>() : split(v4.additional, ';');
    for (std::string &name : additional) name = lower(name);
    std::sort(additional.begin(), additional.end());
    std::string names;
    for (const std::string &name : additional) names += (names.empty() ? "" : ";") + name;
    auto is_signed = [&](const std::string &name) {
        return starts_with(name, "x-oss-") || name == "content-type" || name == "content-md5" ||
               std::binary_search(additional.begin(), additional.end(), name);
    };
    Headers parameters;
    std::copy_if(request.query.begin(), request.query.end(), std::back_inserter(parameters),
                 [](const auto &parameter) { return parameter.first != "x-oss-signature"; });
    std::string path = "/" + (target.bucket.empty() ? "" : target.bucket + "/" + target.key);
    // Nothing else is built, nor sent by OSS's clients: the payload's own digest would have to be checked.
    const std::string &payload = request.header("x-oss-content-sha256");
    if (!payload.empty() && payload != "UNSIGNED-PAYLOAD")
        refuse_argument("x-oss-content-sha256 has to be UNSIGNED-PAYLOAD.");

    std::string canonical = request.method + "\n" + percent_encode(path, true) + "\n" +
                            join_query(std::move(parameters), true) + "\n" + join_headers(request, is_signed) + "\n" +
                            names + "\nUNSIGNED-PAYLOAD";
    std::string text = "OSS4-HMAC-SHA256\n" + v4.date + "\n" + scope[1] + "/" + scope[2] + "/oss/aliyun_v4_request\n" +
                       to_hex(sha256(canonical));
    std::string key = hmac_sha256("aliyun_v4" + user.secret, scope[1]);
    for (size_t i = 2; i < 5; i++) key = hmac_sha256(key, scope[i]);
    compare(to_hex(hmac_sha256(key, text)), v4.signature);
    return user;
}

// `OSS4-HMAC-SHA256 Credential=...,AdditionalHeaders=...,Signature=...`, in any order and spacing.
V4 parse_v4(const std::string &parameters, const std::string &date) {
    V4 v4;
    v4.date = date;
    for (const std::string &part : split(parameters, ',')) {
        size_t equals = std::min(part.find('='), part.size());
        std::string name = part.substr(0, equals), value = part.substr(std::min(equals + 1, part.size()));
        if (name == "Credential")
            v4.credential = value;
        else if (name == "AdditionalHeaders")
            v4.additional = value;
        else if (name == "Signature")
            v4.signature = value;
    }
    return v4;
}

const User &verify_header(const Users &users, const Request &request, const Target &target,
                          const std::string &authorization) {
    const std::string &oss_date = request.header("x-oss-date");
    const std::string v4_prefix = "OSS4-HMAC-SHA256 ", v1_prefix = "OSS ";
    if (starts_with(authorization, v4_prefix)) {
        V4 v4 = parse_v4(authorization.substr(v4_prefix.size()), oss_date);
        const User &user = verify_v4(users, request, target, v4);
        check_time(parse_basic_iso_date(v4.date));
        return user;
    }
    size_t colon = authorization.find(':');
    if (!starts_with(authorization, v1_prefix) || colon == std::string::npos) deny_malformed();
    const User &user = find_user(users, authorization.substr(v1_prefix.size(), colon - v1_prefix.size()));
    const std::string &date = oss_date.empty() ? request.header("date") : oss_date;
    compare(make_v1(request, target, date, user), std::string_view(authorization).substr(colon + 1));
    check_time(parse_http_date(date));
    return user;
}

const User &verify_v1_address(const Users &users, const Request &request, const Target &target) {
    const User &user = find_user(users, request.parameter("OSSAccessKeyId"));
    const std::string &expires = request.parameter("Expires");
    compare(make_v1(request, target, expires, user), request.parameter("Signature"));
    auto until = parse_number(expires);
    if (!until || *until < static_cast<uint64_t>(now())) deny("AccessDenied", "Request has expired.");
    return user;
}

const User &verify_v4_address(const Users &users, const Request &request, const Target &target) {
    V4 v4{request.parameter("x-oss-credential"), request.parameter("x-oss-additional-headers"),
          request.parameter("x-oss-signature"), request.parameter("x-oss-date")};
    const User &user = verify_v4(users, request, target, v4);
    auto from = parse_basic_iso_date(v4.date);
    auto seconds = parse_number(request.parameter("x-oss-expires"));
    if (!from || !seconds || *seconds > PRESIGNED_SECONDS) deny_malformed();
    if (*from - now() > SKEW_SECONDS || now() > *from + static_cast<int64_t>(*seconds))
        deny("AccessDenied", "Request has expired.");
    return user;
}

} // namespace

const User &verify_signature(const Users &users, const Request &request, const Target &target) {
    const std::string &authorization = request.header("authorization");
    if (!authorization.empty()) return verify_header(users, request, target, authorization);
    if (request.parameter("x-oss-signature-version") == "OSS4-HMAC-SHA256")
        return verify_v4_address(users, request, target);
    if (request.has_parameter("Signature")) return verify_v1_address(users, request, target);
    deny("AccessDenied", "The request is not signed.");
}

} // namespace ossd
