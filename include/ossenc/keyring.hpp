// The keyring: shares the published keystore, and the keys that services gave, among all threads. Creates, opens and
// rewraps objects.
#ifndef OSSENC_KEYRING_HPP
#define OSSENC_KEYRING_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "keystore.hpp"
#include "operation.hpp"

namespace ossenc {

// How much a keyring keeps, and for how long: an ossenc_limits. 0 takes the default, for every field.
struct Limits {
  std::uint32_t entries = 0;
  std::uint32_t uses = 0;
  std::uint32_t soft_ms = 0;
  std::uint32_t hard_ms = 0;
  std::uint32_t negative_ms = 0;
  std::uint32_t call_ms = 0;
  std::uint32_t bucket_key_s = 0;
  std::uint64_t bucket_key_uses = 0;
};

namespace detail {

inline ossenc_limits raw(const Limits &limits) noexcept {
  auto c = sized<ossenc_limits>();
  c.entries = limits.entries;
  c.uses = limits.uses;
  c.soft_ms = limits.soft_ms;
  c.hard_ms = limits.hard_ms;
  c.negative_ms = limits.negative_ms;
  c.call_ms = limits.call_ms;
  c.bucket_key_s = limits.bucket_key_s;
  c.bucket_key_uses = limits.bucket_key_uses;
  return c;
}

}  // namespace detail

// A new object, and the envelope to be stored with it.
struct Created {
  Object object;
  Buffer envelope;
};

// For whom an operation may wait: nobody, or a provider for at most `timeout` (0: without limit).
struct Waiting {
  Provider *provider = nullptr;
  std::chrono::nanoseconds timeout{};
};

// How an envelope is made anew.
struct Rewrap {
  // Another master key or method; NULL: the same key, at its primary version.
  const Choice *to = nullptr;
  // Another place; NULL: the same.
  const Context *place = nullptr;
  // Whether the slots of other master keys stay.
  bool keep_slots = false;
};

// Any number of threads may use a keyring; one is enough for a process. Objects opened through it stay open without it.
//
// create, open and rewrap run to the end on the calling thread: at once with local keys. begin_create and so on give the
// operation, to be stepped; `waiter` is what the host's wake gets then.
class Keyring : public detail::Handle<ossenc_keyring, &ossenc_keyring_free> {
 public:
  using Handle::Handle;

  // ossenc_keyring_new: without a keystore.
  static Result<Keyring> create(const Library &lib, const Limits &limits = {}) noexcept {
    const ossenc_limits c = detail::raw(limits);
    return detail::make<Keyring, ossenc_keyring>(
        [&](ossenc_keyring **keyring) { return detail::done(ossenc_keyring_new(lib.get(), &c, keyring)); });
  }

  // ossenc_keyring_publish: makes `keystore` the one that operations use from their next step on. Status::Expect for an
  // older generation. The keystore may go.
  Result<void> publish(const Keystore &keystore) const noexcept {
    return detail::done(ossenc_keyring_publish(get(), keystore.get()));
  }

  // ossenc_keyring_evict: drops what is kept of a master key; of all, if `key_id` is empty.
  Result<void> evict(Bytes key_id = {}) const noexcept { return detail::done(ossenc_keyring_evict(get(), key_id)); }

  // ossenc_keyring_refresh: the operation that asks again for the key that is due longest; an empty one if none is.
  Result<Operation> refresh(void *waiter = nullptr) const noexcept {
    return begun([&](ossenc_op **op) { return ossenc_keyring_refresh(get(), waiter, op); });
  }

  // ossenc_stats: the counters, as Prometheus text.
  Result<std::string> stats() const {
    return detail::gather<std::string>([&](ossenc_out *text) { return detail::done(ossenc_stats(get(), text)); });
  }

  // ossenc_object_create: an object with a fresh data key, wrapped as `choice` says, in its place.
  Result<Operation> begin_create(const Choice &choice, const Context &place, Shape shape,
                                 void *waiter = nullptr) const noexcept {
    const ossenc_choice choice_c = detail::raw(choice);
    const ossenc_context place_c = detail::raw(place);
    return begun([&](ossenc_op **op) {
      return ossenc_object_create(get(), &choice_c, &place_c, static_cast<std::int32_t>(shape), waiter, op);
    });
  }
  Result<Created> create(const Choice &choice, const Context &place, Shape shape, const Waiting &waiting = {}) const {
    Result<Operation> op = ran(begin_create(choice, place, shape), waiting);
    if (!op) return std::move(op).error();
    Result<Buffer> envelope = op->envelope();
    if (!envelope) return std::move(envelope).error();
    Result<Object> object = op->object();
    if (!object) return std::move(object).error();
    return Created{*std::move(object), *std::move(envelope)};
  }

  // ossenc_object_open: opens an envelope, if it is what `expect` allows.
  Result<Operation> begin_open(Bytes envelope, const Context &place, const Expect &expect,
                               void *waiter = nullptr) const noexcept {
    const ossenc_context place_c = detail::raw(place);
    const ossenc_expect expect_c = detail::raw(expect);
    return begun([&](ossenc_op **op) { return ossenc_object_open(get(), envelope, &place_c, &expect_c, waiter, op); });
  }
  Result<Object> open(Bytes envelope, const Context &place, const Expect &expect,
                      const Waiting &waiting = {}) const noexcept {
    Result<Operation> op = ran(begin_open(envelope, place, expect), waiting);
    if (!op) return std::move(op).error();
    return op->object();
  }

  // ossenc_rewrap: a new envelope for the same object, in constant time.
  Result<Operation> begin_rewrap(Bytes envelope, const Context &place, const Expect &expect, const Rewrap &how = {},
                                 void *waiter = nullptr) const noexcept {
    const ossenc_context place_c = detail::raw(place);
    const ossenc_expect expect_c = detail::raw(expect);
    ossenc_choice to_c{};
    ossenc_context new_c{};
    if (how.to) to_c = detail::raw(*how.to);
    if (how.place) new_c = detail::raw(*how.place);
    return begun([&](ossenc_op **op) {
      return ossenc_rewrap(get(), envelope, &place_c, &expect_c, how.to ? &to_c : nullptr, how.place ? &new_c : nullptr,
                           how.keep_slots, waiter, op);
    });
  }
  Result<Buffer> rewrap(Bytes envelope, const Context &place, const Expect &expect, const Rewrap &how = {},
                        const Waiting &waiting = {}) const {
    Result<Operation> op = ran(begin_rewrap(envelope, place, expect, how), waiting);
    if (!op) return std::move(op).error();
    return op->envelope();
  }

  // ossenc_needs_rewrap: OSSENC_REWRAP_..., added up, for an envelope that lags behind the published keystore; 0 for one
  // that does not.
  Result<std::uint32_t> needs_rewrap(Bytes envelope) const noexcept {
    std::uint32_t reasons = 0;
    return detail::read<std::uint32_t>(ossenc_needs_rewrap(get(), envelope, &reasons), reasons);
  }

  // ossenc_direct_encrypt: seals at most OSSENC_DIRECT_MAX bytes under a master key, tied to the pairs.
  Result<Buffer> direct_encrypt(Bytes key_id, List<Pair> pairs, Bytes plain) const {
    detail::Report report;
    return detail::gather([&](ossenc_out *blob) {
      return report.done(ossenc_direct_encrypt(get(), key_id, detail::raw(pairs), pairs.size(), plain, blob, &report));
    });
  }
  // ossenc_direct_decrypt: opens a blob, if its master key is one of `key_ids`: how many bytes it gave. OSSENC_DIRECT_MAX
  // is always room enough.
  Result<std::size_t> direct_decrypt(Bytes blob, List<Pair> pairs, List<Bytes> key_ids,
                                     MutableBytes plain) const noexcept {
    detail::Report report;
    return detail::write(plain, [&](ossenc_out *out) {
      return report.done(ossenc_direct_decrypt(get(), blob, detail::raw(pairs), pairs.size(), detail::raw(key_ids),
                                               key_ids.size(), out, &report));
    });
  }
  // The same, into memory of its own, which the caller wipes if it has to.
  Result<Buffer> direct_decrypt(Bytes blob, List<Pair> pairs, List<Bytes> key_ids) const {
    detail::Report report;
    return detail::gather([&](ossenc_out *out) {
      return report.done(ossenc_direct_decrypt(get(), blob, detail::raw(pairs), pairs.size(), detail::raw(key_ids),
                                               key_ids.size(), out, &report));
    });
  }
  // ossenc_direct_reencrypt: the same plaintext under the master key `to`, tied to `to_pairs`; it is not given out.
  Result<Buffer> direct_reencrypt(Bytes blob, List<Pair> pairs, List<Bytes> key_ids, Bytes to,
                                  List<Pair> to_pairs) const {
    detail::Report report;
    return detail::gather([&](ossenc_out *out) {
      return report.done(ossenc_direct_reencrypt(get(), blob, detail::raw(pairs), pairs.size(), detail::raw(key_ids),
                                                 key_ids.size(), to, detail::raw(to_pairs), to_pairs.size(), out,
                                                 &report));
    });
  }

 private:
  template <class Call>
  static Result<Operation> begun(Call call) noexcept {
    return detail::make<Operation, ossenc_op>([&](ossenc_op **op) { return detail::done(call(op)); });
  }
  static Result<Operation> ran(Result<Operation> op, const Waiting &waiting) noexcept {
    if (!op) return op;
    Result<void> outcome = op->run(waiting.provider, waiting.timeout);
    if (!outcome) return std::move(outcome).error();
    return op;
  }
};

}  // namespace ossenc

#endif
