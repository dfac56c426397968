// The console: its page, and the JSON of API.md. For whoever has the token.
#pragma once

#include "requests.hpp"

#include <string>

namespace ossd {

class Console {
  public:
    explicit Console(Daemon &daemon);

    static bool serves(const Request &request);
    // Below /-/. Throws Refused.
    Begun begin(const Request &request);
    Response refuse(const Refused &why) const;

    const std::string &token() const { return token_; }

  private:
    Daemon &daemon_;
    std::string token_;
};

} // namespace ossd
