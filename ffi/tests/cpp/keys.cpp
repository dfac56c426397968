// Master keys, the host's functions, the census.
#include <atomic>
#include <cstdlib>
#include <unistd.h>

#include "check.hpp"

using namespace ossenc;

TEST(a_keystore_and_all_its_changes) {
  World world;
  CHECK(world.keystore.keys() == 2 && world.keystore.generation() == 3);
  CHECK(TAKE(world.keystore.find("k2")) == 1);
  FAILS(NoVersion, world.keystore.find("k3"));
  FAILS(NoVersion, world.keystore.key("k3"));

  world.change(Change::alias("k1", "alias/main"));
  world.change(Change::service_alias("k2", "alias/acs/oss"));
  CHECK(TAKE(world.keystore.key("alias/main")).key_id() == "k1");
  CHECK(TAKE(world.keystore.alias(0, 0)) == "alias/main");
  FAILS(Argument, world.keystore.alias(0, 1));
  world.change(Change::move_alias("k2", "alias/main"));
  CHECK(TAKE(world.keystore.key("alias/main")).key_id() == "k2");
  world.change(Change::remove_alias("alias/main"));
  FAILS(NoVersion, world.keystore.key("alias/main"));

  world.change(Change::stage("k1"));
  CHECK(TAKE(world.keystore.version(0, 1)).state() == VersionState::Staged);
  world.change(Change::promote("k1"));
  KeyInfo k1 = TAKE(world.keystore.key("k1"));
  CHECK(k1.primary() == 2 && k1.versions() == 2 && k1.state() == KeyState::Enabled && !k1.imported());
  CHECK(k1.created_at() > 0 && k1.last_rotated_at() >= k1.created_at() && k1.delete_at() == 0 && k1.not_after() == 0);
  world.change(Change::promote("k1", "1"));
  CHECK(TAKE(world.keystore.key("k1")).primary() == 1);
  world.change(Change::retire("k1", "2"));
  CHECK(TAKE(world.keystore.version(0, 1)).has_material());
  world.change(Change::destroy("k1", "2"));
  VersionInfo second = TAKE(world.keystore.version(0, 1));
  CHECK(second.number() == 2 && second.state() == VersionState::Destroyed && !second.has_material());

  world.change(Change::disable("k1"));
  CHECK(TAKE(world.keystore.key("k1")).state() == KeyState::Disabled);
  FAILS(KeyState, world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  world.change(Change::enable("k1"));
  world.change(Change::period("k1", 30 * 86400));
  CHECK(TAKE(world.keystore.key("k1")).period_s() == 30 * 86400);

  const std::int64_t in_a_year = 86400 * 366 + static_cast<std::int64_t>(TAKE(world.keystore.key("k1")).created_at());
  CHECK(TAKE(world.keystore.due(Due::Deletion, in_a_year)).empty());
  CHECK(TAKE(world.keystore.due(Due::Rotation, in_a_year)) == std::vector<std::string>{"k1"});
  world.change(Change::schedule_deletion("k1", 7));
  world.change(Change::schedule_deletion("k2", 7));
  CHECK(TAKE(world.keystore.due(Due::Deletion, in_a_year)) == (std::vector<std::string>{"k1", "k2"}));
  CHECK(TAKE(world.keystore.key("k1")).delete_at() > 0);
  world.change(Change::cancel_deletion("k1"));

  world.change(Change::create_for_import("k3"));
  CHECK(TAKE(world.keystore.key("k3")).state() == KeyState::PendingImport);
  FAILS(Argument, world.keystore.apply(Change::import("k3", "short")));
  world.change(Change::import("k3", "an external key of 32 bytes ----", 4102444800));
  KeyInfo k3 = TAKE(world.keystore.key("k3"));
  CHECK(k3.imported() && k3.not_after() == 4102444800);
  world.change(Change::delete_material("k3"));
  FAILS(State, world.keystore.apply(Change::remove("k2")));
  world.change(Change::create_for_import("k4"));
  world.change(Change::remove("k4"));
  CHECK(world.keystore.keys() == 3);
}

TEST(keystores_under_other_root_keys) {
  World world;
  KeystoreInfo before = TAKE(Keystore::read(world.image));
  CHECK(before.root_key_id() == "root-1" && before.kdf() == Kdf::None && before.generation() == 3);
  CHECK(before.keystore_id().size() == 16);

  const std::string other = "another root key of 32 bytes ---";
  Buffer image = TAKE(world.keystore.reseal("root-2", other));
  FAILS(Commit, Keystore::load(world.lib, image, root_key, 0));
  CHECK(TAKE(Keystore::load(world.lib, image, other, 4)).keys() == 2);
  FAILS(Expect, Keystore::load(world.lib, image, other, 5));
  CHECK(TAKE(Keystore::read(image)).root_key_id() == "root-2");

  PassphraseCost cheap;
  cheap.kib = 8;
  cheap.passes = cheap.lanes = 1;
  image = TAKE(world.keystore.reseal_passphrase("words", "correct horse", cheap));
  CHECK(TAKE(Keystore::read(image)).kdf() == Kdf::Argon2id);
  CHECK(TAKE(Keystore::load_passphrase(world.lib, image, "correct horse", 0)).keys() == 2);
  FAILS(Commit, Keystore::load_passphrase(world.lib, image, "wrong horse", 0));
  image = TAKE(Keystore::init_passphrase(world.lib, "words", "correct horse", cheap));
  CHECK(TAKE(Keystore::load_passphrase(world.lib, image, "correct horse", 1)).keys() == 0);
  cheap.passes = 0;
  FAILS(Argument, Keystore::init_passphrase(world.lib, "words", "correct horse", cheap));
}

TEST(the_file_of_a_keystore) {
  char folder[] = "/tmp/ossenc-cpp-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/keystore";
  World world;
  const Buffer first = TAKE(Keystore::init(world.lib, "root-1", root_key));
  OK(Keystore::swap_file(path.c_str(), 0, first));
  Result<void> late = Keystore::swap_file(path.c_str(), 0, first);
  FAILS(Conflict, late);
  CHECK(late.error().offset() == 1);
  Result<void> nowhere = Keystore::swap_file((path + "/none/keystore").c_str(), 0, first);
  FAILS(Io, nowhere);
  CHECK(nowhere.error().code() != 0);
  for (const char *name : {"", ".lock", ".previous"}) unlink((path + name).c_str());
  CHECK(rmdir(folder) == 0);
}

struct Host {
  Time now() {
    clocks++;
    return {1700000000, 5};
  }
  Status entropy(MutableBytes room) {
    if (broken) return Status::NoEntropy;
    for (std::uint8_t &byte : room) byte = static_cast<std::uint8_t>((state = state * 6364136223846793005u + 1) >> 56);
    return Status::Ok;
  }
  void event(const Event &event) {
    events++;
    last_key = event.key_id();
    last_version = event.key_version();
    last_status = event.status();
    wraps += event.what() == OSSENC_EVENT_WRAP;
    CHECK(event.object_id().size() == 16 && event.provider().empty());
  }
  std::atomic<int> clocks{0};
  int events = 0, wraps = 0;
  bool broken = false;
  std::uint64_t state = 42;
  std::string last_key, last_version;
  Status last_status = Status::Panic;
};

TEST(the_host_gives_time_and_entropy_and_is_told) {
  Host host;
  Config config;
  config.host(host).isa_cap(Isa::Portable).write_format(1).omit_digests(OSSENC_OMIT_CRC64_PLAIN);
  World world(config);
  CHECK(TAKE(world.keystore.key("k1")).created_at() == 1700000000 && host.clocks > 0);
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  CHECK(host.events == 1 && host.wraps == 1 && host.last_key == "k1" && host.last_version == "1");
  FAILS(Commit, world.keyring.open(made.envelope, place_of("b"), anything()));
  CHECK(host.events == 2 && host.wraps == 1 && host.last_status == Status::Commit);
  CHECK(TAKE(EnvelopeInfo::read(made.envelope)).wrapped_at() == 1700000000);

  std::uint8_t body[128];
  Sealed sealed = TAKE(made.object.seal(0, Layout::Inline, "x", body));
  CHECK(sealed.receipt.crc64_plain() == 0 && sealed.receipt.crc32c_body() != 0);

  host.broken = true;
  FAILS(NoEntropy, world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  FAILS(NoEntropy, Library::create(config));
}

TEST(the_version_that_is_linked_is_that_of_the_header) {
  CHECK(Library::version_number() == OSSENC_VERSION_NUMBER);
  CHECK(std::string_view(Library::version_string()) == OSSENC_VERSION_STRING);
}

TEST(a_census_of_shards) {
  World world;
  Census one = TAKE(Census::create(world.lib)), all = TAKE(Census::create(world.lib));
  for (const char *key : {"k1", "k1", "k2"})
    OK(one.add(TAKE(world.keyring.create(under(key), place_of("a"), Shape::Single)).envelope));
  FAILS(Format, one.add("nonsense"));
  Buffer shard = TAKE(one.encode());
  OK(all.merge(shard));
  OK(all.merge(shard));
  FAILS(Format, all.merge("nonsense"));
  CHECK(all.envelopes() == 6 && all.entries() == 2);
  CHECK(TAKE(all.count("k1", "1")) == 4 && TAKE(all.count("k1", "2")) == 0);
  CensusEntry k2 = TAKE(all.entry(1));
  CHECK(k2.kind() == 1 && k2.key_id() == "k2" && k2.key_version() == "1" && k2.count() == 2 && k2.provider().empty());
  FAILS(Argument, all.entry(2));
}
