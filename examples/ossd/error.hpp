// What a client is told when a request is not done: thrown anywhere below `service`, written by it.
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace ossd {

using Headers = std::vector<std::pair<std::string, std::string>>;

// A refusal: an HTTP status, OSS's code, a sentence; and headers that go with it. It says nothing of keys.
class Refused : public std::exception {
  public:
    Refused(int status, std::string code, std::string message, Headers headers = {})
        : status(status), code(std::move(code)), message(std::move(message)), headers(std::move(headers)) {}

    const char *what() const noexcept override { return message.c_str(); }

    int status;
    std::string code;
    std::string message;
    Headers headers;
};

[[noreturn]] inline void refuse_argument(const std::string &message) { throw Refused(400, "InvalidArgument", message); }

[[noreturn]] inline void fail_internal(const std::string &what) { throw Refused(500, "InternalError", what); }

} // namespace ossd
