// Who asks: OSS's signatures V1 and V4, in headers or in the address (presigned).
#pragma once

#include "http.hpp"
#include "users.hpp"

namespace ossd {

// What a request is about.
struct Target {
    std::string bucket; // empty for the service
    std::string key;    // empty for the bucket; decoded
};

// The user who signed the request, for this target. Throws Refused, 403, for a request that is not signed, wrongly
// signed, by an unknown key, or at a time more than 15 minutes from ours; for a presigned one whose time is up.
const User &verify_signature(const Users &users, const Request &request, const Target &target);

} // namespace ossd
