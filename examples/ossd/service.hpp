// From a request to who asks, what it is about, and who serves it; and how errors are answered.
#pragma once

#include "console.hpp"
#include "requests.hpp"

namespace ossd {

class Service : public Handler {
  public:
    Service(Daemon &daemon, Console &console) : daemon_(daemon), console_(console) {}

    Begun begin(const Request &request) override;
    Response refuse(const Request &request, const Refused &why) override;
    Headers common(const Request &request) override;

  private:
    Daemon &daemon_;
    Console &console_;
};

} // namespace ossd
