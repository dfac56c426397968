// Operations: creations, openings and rewraps under way, and the key services that they may need.
//
// With local keys the first step ends an operation. Otherwise it asks its caller to make a call: step it from an event
// loop, or run it with a Provider. The rules are in docs/key-services.md.
#ifndef OSSENC_OPERATION_HPP
#define OSSENC_OPERATION_HPP

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "object.hpp"

namespace ossenc {

// What an operation wants of a key service, or of a store of bucket keys: see OSSENC_VERB_....
enum class Verb : std::uint32_t {
  Generate = OSSENC_VERB_GENERATE,
  Unwrap = OSSENC_VERB_UNWRAP,
  LoadBucketKey = OSSENC_VERB_LOAD_BUCKET_KEY,
  StoreBucketKey = OSSENC_VERB_STORE_BUCKET_KEY,
};

// A call that an operation asks for. What it points to belongs to the operation, until its next step or its end.
class Ask {
 public:
  Ask() noexcept = default;
  explicit Ask(const ossenc_ask &c) noexcept : c_(c) {}

  [[nodiscard]] Verb verb() const noexcept { return static_cast<Verb>(c_.verb); }
  // Which ask it is: the answer names it.
  [[nodiscard]] std::uint64_t id() const noexcept { return c_.id; }
  // Until another operation may make the call again, or this one's time is up. After Progress::Wait, the only field that
  // is set: step again after so long, if no wake has come.
  [[nodiscard]] std::chrono::nanoseconds timeout() const noexcept {
    constexpr std::uint64_t most = INT64_MAX;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(c_.timeout_ns < most ? c_.timeout_ns : most));
  }
  // Whom to ask; empty for the records of bucket keys under local master keys.
  [[nodiscard]] std::string_view provider() const noexcept { return Bytes(c_.provider).text(); }
  [[nodiscard]] std::string_view key_id() const noexcept { return Bytes(c_.key_id).text(); }
  // May be empty.
  [[nodiscard]] std::string_view key_version() const noexcept { return Bytes(c_.key_version).text(); }
  // The encryption context: as bytes, and as pairs sorted by their keys. Empty for records.
  [[nodiscard]] Bytes context() const noexcept { return Bytes(c_.context); }
  [[nodiscard]] List<Pair> pairs() const noexcept { return detail::pairs(c_.pairs, c_.n_pairs); }
  // What to unwrap, or the record to keep.
  [[nodiscard]] Bytes blob() const noexcept { return Bytes(c_.blob); }
  // 16 bytes, or empty.
  [[nodiscard]] Bytes bucket_key_id() const noexcept { return Bytes(c_.bucket_key_id); }

  [[nodiscard]] ossenc_ask *c() noexcept { return &c_; }

 private:
  ossenc_ask c_ = detail::sized<ossenc_ask>();
};

// The answer to an ask. Borrowed for the call that takes it; who made the secret wipes it.
struct Answer {
  // The ask's. Not looked at in a reply.
  std::uint64_t id = 0;
  // Status::Ok, or why not: see ossenc_answer.
  Status status = Status::Ok;
  // The service's own code, with Status::Kms.
  std::int32_t code = 0;
  // With Status::KmsRetry, when to try again; 0 if the service does not say.
  std::uint32_t retry_after_ms = 0;
  // 32 bytes: Generate, Unwrap.
  Bytes secret;
  // What unwraps to it later (Generate), or the record (LoadBucketKey).
  Bytes blob;
  // The key that was used, by its own id; may be empty for Unwrap.
  Bytes key_id;
  // Its version, if the service tells.
  Bytes key_version;
};

namespace detail {

inline ossenc_answer raw(const Answer &answer) noexcept {
  auto c = sized<ossenc_answer>();
  c.id = answer.id;
  c.status = static_cast<ossenc_status>(answer.status);
  c.code = answer.code;
  c.retry_after_ms = answer.retry_after_ms;
  c.secret = answer.secret;
  c.blob = answer.blob;
  c.key_id = answer.key_id;
  c.key_version = answer.key_version;
  return c;
}

// 0 is "without limit" to the library, which a time that is already up does not mean.
inline std::uint64_t nanoseconds(std::chrono::nanoseconds time) noexcept {
  return time.count() < 0 ? 1 : static_cast<std::uint64_t>(time.count());
}

}  // namespace detail

// Takes the answer to a provider's call, within that call; the last one counts.
class Reply {
 public:
  Reply(ossenc_reply reply, void *to) noexcept : reply_(reply), to_(to) {}
  void operator()(const Answer &answer) const noexcept {
    const ossenc_answer c = detail::raw(answer);
    reply_(to_, &c);
  }

 private:
  ossenc_reply reply_;
  void *to_;
};

// A key service, for operations that are run. Called by each thread that runs one, several at once.
class Provider {
 public:
  virtual ~Provider() = default;
  // Makes the call, within ask.timeout(), hands its answer to `reply`, and gives Status::Ok; or gives a status of
  // Answer::status without one. May use the library, but not the operation that asks.
  virtual Status call(const Ask &ask, const Reply &reply) noexcept = 0;

 protected:
  Provider() = default;
  Provider(const Provider &) = default;
  Provider &operator=(const Provider &) = default;
};

// How far a step came.
enum class Progress : ossenc_status {
  // It has ended well: what it made is there.
  Done = OSSENC_OK,
  // Make the call that is asked for, and step with its answer.
  Ask = OSSENC_ASK,
  // Another operation makes the call: step again after the wake, or after ask.timeout().
  Wait = OSSENC_WAIT,
};

// A creation, an opening, a rewrap or a refresh under way. One thread at a time. Destroying it cancels it.
class Operation : public detail::Handle<ossenc_op, &ossenc_op_free> {
 public:
  using Handle::Handle;

  // ossenc_op_step: as far as it goes without waiting; never blocks. `ask` is filled for Progress::Ask and Wait. An
  // error has ended the operation.
  Result<Progress> step(Ask &ask) noexcept { return step(nullptr, ask); }
  // The same, with the answer to the open ask. Status::Argument, for an answer that is malformed or not to that ask,
  // changes nothing.
  Result<Progress> step(const Answer &answer, Ask &ask) noexcept {
    const ossenc_answer c = detail::raw(answer);
    return step(&c, ask);
  }

  // ossenc_op_set_timeout: from now on it neither asks nor waits for longer.
  Result<void> set_timeout(std::chrono::nanoseconds timeout) noexcept {
    return detail::done(ossenc_op_set_timeout(get(), detail::nanoseconds(timeout)));
  }

  // ossenc_op_run: takes it to its end on this thread, blocking where it must, for at most `timeout` (0: without
  // limit). Without a provider, one that needs a call fails with Status::Kms.
  Result<void> run(Provider *provider = nullptr, std::chrono::nanoseconds timeout = {}) noexcept {
    detail::Report report;
    auto c = detail::sized<ossenc_provider>();
    c.call = [](void *user, const ossenc_ask *ask, ossenc_reply reply, void *to) noexcept {
      return static_cast<ossenc_status>(static_cast<Provider *>(user)->call(Ask(*ask), Reply(reply, to)));
    };
    return report.done(ossenc_op_run(get(), provider ? &c : nullptr, provider, detail::nanoseconds(timeout), &report));
  }

  // ossenc_op_object: the open object of an operation that ended well, anew at each call. Status::State if it has none.
  Result<Object> object() noexcept {
    return detail::make<Object, const ossenc_object>(
        [&](const ossenc_object **object) { return detail::done(ossenc_op_object(get(), object)); });
  }

  // ossenc_op_envelope: the new envelope of a creation or a rewrap that ended well. Status::State if it has none.
  Result<Buffer> envelope() {
    return detail::gather([&](ossenc_out *out) { return detail::done(ossenc_op_envelope(get(), out)); });
  }
  // The same, into `room`: how many bytes it takes. OSSENC_ENVELOPE_MAX is enough for one local key.
  Result<std::size_t> envelope(MutableBytes room) noexcept {
    return detail::write(room, [&](ossenc_out *out) { return detail::done(ossenc_op_envelope(get(), out)); });
  }

 private:
  Result<Progress> step(const ossenc_answer *answer, Ask &ask) noexcept {
    detail::Report report;
    const ossenc_status status = ossenc_op_step(get(), answer, ask.c(), &report);
    if (status < OSSENC_OK) return Error(status, report);
    return static_cast<Progress>(status);
  }
};

}  // namespace ossenc

#endif
