// Operations with a key service: run with a provider, and stepped with wakes.
#include <vector>

#include "check.hpp"

using namespace ossenc;

// "Wraps" by turning bits over; says what it is told to say.
class Service : public Provider {
 public:
  Status call(const Ask &ask, const Reply &reply) noexcept override {
    calls++;
    timeout = ask.timeout();
    if (refuse != Status::Ok) return refuse;
    answer_to(ask, [&](const Answer &answer) { reply(answer); });
    return Status::Ok;
  }

  template <class Take>
  void answer_to(const Ask &ask, Take take) {
    Buffer secret =
        ask.verb() == Verb::Generate ? Buffer(32, static_cast<std::uint8_t>(0x50 + made++)) : turned(ask.blob());
    CHECK(ask.provider() == "hsm" && (ask.verb() == Verb::Generate || ask.verb() == Verb::Unwrap));
    CHECK(ask.key_id() == "cmk" && ask.pairs().size() > 0 && !ask.context().empty() && ask.bucket_key_id().empty());
    const Buffer blob = turned(secret);
    Answer answer;
    answer.id = ask.id();
    answer.secret = secret;
    if (ask.verb() == Verb::Generate) {
      answer.blob = blob;
      answer.key_id = "cmk";
      answer.key_version = "7";
    }
    take(answer);
  }

  static Buffer turned(Bytes bytes) {
    Buffer out(bytes.begin(), bytes.end());
    for (std::uint8_t &byte : out) byte ^= 0xff;
    return out;
  }

  int calls = 0, made = 0;
  Status refuse = Status::Ok;
  std::chrono::nanoseconds timeout{};
};

static Choice remote() {
  Choice choice = under("cmk");
  choice.method = Method::SseKms;
  choice.provider = "hsm";
  return choice;
}

TEST(a_provider_is_asked) {
  World world;
  Service service;
  const Waiting waiting{&service, std::chrono::seconds(5)};
  FAILS(Kms, world.keyring.create(remote(), place_of("a"), Shape::Single));
  OK(world.keyring.evict());
  Created made = TAKE(world.keyring.create(remote(), place_of("a"), Shape::Single, waiting));
  CHECK(service.calls == 1 && service.timeout > std::chrono::seconds(4) && service.timeout <= std::chrono::seconds(5));
  EnvelopeInfo info = TAKE(EnvelopeInfo::read(made.envelope));
  CHECK(info.method() == Method::SseKms && info.key_id() == "cmk" && info.key_version() == "7");

  OK(world.keyring.evict());
  OK(world.keyring.open(made.envelope, place_of("a"), anything(), waiting));
  CHECK(service.calls == 2);
  OK(world.keyring.open(made.envelope, place_of("a"), anything()));
  CHECK(service.calls == 2);

  Created other = TAKE(world.keyring.create(remote(), place_of("b"), Shape::Single, waiting));
  OK(world.keyring.evict());
  service.refuse = Status::Denied;
  FAILS(Denied, world.keyring.open(other.envelope, place_of("b"), anything(), waiting));
  OK(world.keyring.evict());
  service.refuse = Status::Ok;
  FAILS(Timeout,
        world.keyring.open(other.envelope, place_of("b"), anything(), {&service, std::chrono::nanoseconds(-5)}));
  OK(world.keyring.open(other.envelope, place_of("b"), anything(), {&service}));
  CHECK(!TAKE(world.keyring.refresh()));
}

struct Wakes {
  void wake(void *waiter) { woken.push_back(waiter); }
  std::vector<void *> woken;
};

TEST(two_operations_are_stepped_and_one_asks) {
  Wakes wakes;
  Config config;
  config.host(wakes);
  World world(config);
  Service service;
  Created made = TAKE(world.keyring.create(remote(), place_of("a"), Shape::Single, {&service}));
  OK(world.keyring.evict());

  int first_waiter = 0, second_waiter = 0;
  Operation first = TAKE(world.keyring.begin_open(made.envelope, place_of("a"), anything(), &first_waiter));
  Operation second = TAKE(world.keyring.begin_open(made.envelope, place_of("a"), anything(), &second_waiter));
  OK(second.set_timeout(std::chrono::seconds(60)));
  Ask ask, wait;
  CHECK(TAKE(first.step(ask)) == Progress::Ask && ask.verb() == Verb::Unwrap);
  CHECK(TAKE(second.step(wait)) == Progress::Wait && wait.timeout().count() > 0);
  FAILS(State, first.object());

  Answer foreign;
  foreign.id = ask.id() + 1;
  foreign.status = Status::Denied;
  FAILS(Argument, first.step(foreign, ask));
  CHECK(TAKE(first.step(ask)) == Progress::Ask);
  service.answer_to(ask, [&](const Answer &answer) { CHECK(TAKE(first.step(answer, ask)) == Progress::Done); });
  CHECK(TAKE(first.object()) && TAKE(first.object()));
  FAILS(State, first.envelope());
  CHECK(wakes.woken == std::vector<void *>{&second_waiter});
  CHECK(TAKE(second.step(wait)) == Progress::Done && TAKE(second.object()));
}

TEST(a_service_that_is_away_says_when_to_come_again) {
  World world;
  Service service;
  Operation op = TAKE(world.keyring.begin_create(remote(), place_of("a"), Shape::Single));
  Ask ask;
  CHECK(TAKE(op.step(ask)) == Progress::Ask && ask.verb() == Verb::Generate);
  Answer away;
  away.id = ask.id();
  away.status = Status::KmsRetry;
  away.retry_after_ms = 5000;
  Result<Progress> ended = op.step(away, ask);
  FAILS(KmsRetry, ended);
  CHECK(ended.error().offset() >= 4000);
  FAILS(State, op.step(ask));

  OK(world.keyring.evict());
  op = TAKE(world.keyring.begin_create(remote(), place_of("a"), Shape::Single));
  CHECK(TAKE(op.step(ask)) == Progress::Ask);
  Answer failed;
  failed.id = ask.id();
  failed.status = Status::Kms;
  failed.code = 42;
  ended = op.step(failed, ask);
  FAILS(Kms, ended);
  CHECK(ended.error().code() == 42);
}

TEST(an_envelope_into_the_callers_room) {
  World world;
  Operation op = TAKE(world.keyring.begin_create(under("k1"), place_of("a"), Shape::Single));
  Ask ask;
  CHECK(TAKE(op.step(ask)) == Progress::Done);
  std::uint8_t room[OSSENC_ENVELOPE_MAX];
  const std::size_t n = TAKE(op.envelope(room));
  CHECK(TAKE(op.envelope()) == Buffer(room, room + n));
  Result<std::size_t> small = op.envelope(MutableBytes(room, 10));
  FAILS(Buffer, small);
  CHECK(small.error().offset() == n);
}
