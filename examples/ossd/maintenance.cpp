#include "maintenance.hpp"

#include <chrono>
#include <cstdio>

namespace ossd {

namespace {

constexpr auto ROTATION_INTERVAL = std::chrono::hours(1);

// Rewraps one thing: `take` gives its record as it is now, NULL if it is gone; `put` replaces that by one with another
// envelope, false if it is not what is there any more.
template <typename Take, typename Put>
void rewrap_one(const Daemon &daemon, const Bucket &bucket, Rewrapped &counts, Take take, Put put) {
    std::string name;
    try {
        while (auto record = take()) {
            name = record->name;
            auto anew = daemon.crypto.rewrap(record->protection, {bucket.id(), name});
            if (!anew) {
                counts.current++;
                return;
            }
            auto changed = *record;
            changed.protection = std::move(*anew);
            if (put(record, std::move(changed))) {
                counts.rewrapped++;
                return;
            }
        }
    } catch (const std::exception &why) {
        fprintf(stderr, "ossd: rewrapping %s/%s: %s\n", bucket.name().c_str(), name.c_str(), why.what());
        counts.failed++;
    }
}

} // namespace

Rewrapped rewrap_all(Daemon &daemon) {
    Rewrapped counts;
    for (const auto &bucket : daemon.store.all()) {
        for (const RecordPtr &found : bucket->all()) {
            if (found->protection.method == 0) continue;
            rewrap_one(
                daemon, *bucket, counts, [&] { return bucket->find(found->name); },
                [&](const RecordPtr &old, Record anew) { return bucket->put_if(old, std::move(anew)) != nullptr; });
        }
        for (const auto &upload : bucket->uploads().all()) {
            if (upload->record()->protection.method == 0) continue;
            rewrap_one(
                daemon, *bucket, counts, [&] { return upload->open_record(); },
                [&](const auto &old, UploadRecord anew) { return upload->replace(old, std::move(anew)); });
        }
    }
    return counts;
}

Counted count_all(Daemon &daemon) {
    Counted counted{ossenc::or_throw(ossenc::Census::create(daemon.keys.library())), 0};
    auto count = [&](const Protection &protection) {
        if (protection.method == 0)
            counted.plain++;
        else
            ossenc::or_throw(counted.census.add(protection.envelope));
    };
    // In the order in which things become others, so that none is passed over on its way: some are counted twice.
    for (const std::string &envelope : daemon.crypto.pending()) ossenc::or_throw(counted.census.add(envelope));
    for (const auto &bucket : daemon.store.all()) {
        for (const auto &upload : bucket->uploads().all()) count(upload->record()->protection);
        for (const RecordPtr &record : bucket->all()) count(record->protection);
    }
    return counted;
}

Rotator::Rotator(Keys &keys)
    : thread_([this, &keys] {
          std::unique_lock lock(mutex_);
          do {
              lock.unlock();
              keys.rotate_due();
              lock.lock();
          } while (!wake_.wait_for(lock, ROTATION_INTERVAL, [this] { return ending_; }));
      }) {}

Rotator::~Rotator() {
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

} // namespace ossd
