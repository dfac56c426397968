#include "check.hpp"

using namespace ossenc;

int failures = 0;

std::vector<Test> &tests() {
  static std::vector<Test> all;
  return all;
}

std::string pattern(std::size_t n, std::size_t from) {
  std::string bytes(n, 0);
  for (std::size_t i = 0; i < n; i++) bytes[i] = static_cast<char>((from + i) * 31 + (from + i) / 16384);
  return bytes;
}

World::World(const Config &config)
    : lib(TAKE(Library::create(config))),
      image(TAKE(Keystore::init(lib, "root-1", root_key))),
      keystore(TAKE(Keystore::load(lib, image, root_key, 1))),
      keyring(TAKE(Keyring::create(lib))) {
  change(Change::create("k1"));
  change(Change::create("k2"));
}

void World::change(const Change &change) {
  image = TAKE(keystore.apply(change));
  keystore = TAKE(Keystore::load(lib, image, root_key, keystore.generation() + 1));
  OK(keyring.publish(keystore));
}

Context place_of(Bytes name) {
  Context place;
  place.tenant = "tenant";
  place.bucket_id = "bucket";
  place.object = name;
  return place;
}

Choice under(Bytes key) {
  Choice choice;
  choice.key_id = key;
  return choice;
}

Expect anything() {
  static const Bytes keys[] = {"k1", "k2", "cmk"};
  Expect expect;
  expect.methods = allow(Method::SseOss) | allow(Method::SseKms);
  expect.key_ids = keys;
  return expect;
}

int main() {
  int failed = 0;
  for (const Test &test : tests()) {
    const int before = failures;
    test.run();
    if (failures == before) continue;
    std::printf("FAILED %s\n", test.name);
    failed++;
  }
  std::printf("%zu passed, %d failed\n", tests().size() - static_cast<std::size_t>(failed), failed);
  return failed != 0;
}
