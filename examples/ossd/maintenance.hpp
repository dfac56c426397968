// What is done about all objects and uploads: rewrapping after a rotation, counting which key versions are in use; and
// rotating what is due.
#pragma once

#include "requests.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace ossd {

struct Rewrapped {
    uint64_t rewrapped = 0, current = 0, failed = 0;
};

// Puts every envelope under the primary version of its key. Requests go on meanwhile; what they change is done anew.
Rewrapped rewrap_all(Daemon &daemon);

struct Counted {
    ossenc::Census census;
    uint64_t plain = 0;
};

Counted count_all(Daemon &daemon);

// Rotates keys that are due, at the start and every hour, on a thread of its own.
class Rotator {
  public:
    explicit Rotator(Keys &keys);
    ~Rotator();
    Rotator(const Rotator &) = delete;
    Rotator &operator=(const Rotator &) = delete;

  private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool ending_ = false;
    std::thread thread_;
};

} // namespace ossd
