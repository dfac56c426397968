// What the tests of ossenc.hpp share: a test set of its own, and a keyring with one key. They make one program; run.sh
// builds it with every compiler and language version, with exceptions and without.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <ossenc.hpp>

// A test: TEST(name) { ... }. main() runs all of them.
struct Test {
  const char *name;
  void (*run)();
};
std::vector<Test> &tests();
extern int failures;  // of all tests

#define TEST(name)                                                            \
  static void name();                                                         \
  static const bool name##_listed = (tests().push_back({#name, name}), true); \
  static void name()

inline void check(bool holds, const char *what, const char *file, int line) {
  if (holds) return;
  std::printf("  %s:%d: %s\n", file, line, what);
  ++failures;
}
#define CHECK(...) check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

template <class R>
void check_status(const R &result, ossenc::Status wanted, const char *what, const char *file, int line) {
  if (result.status() == wanted) return;
  std::printf("  %s:%d: %s\n    gave \"%s\", not \"%s\"\n", file, line, what,
              result ? "a value" : result.error().message(), ossenc::describe(wanted));
  ++failures;
}
#define FAILS(wanted, ...) check_status(__VA_ARGS__, ossenc::Status::wanted, #__VA_ARGS__, __FILE__, __LINE__)
#define OK(...) FAILS(Ok, __VA_ARGS__)

// The value, without which a test cannot go on.
template <class T, class E>
T taken(ossenc::Result<T, E> result, const char *what, const char *file, int line) {
  if (!result) {
    std::printf("  %s:%d: %s: %s\n", file, line, what, result.error().message());
    std::exit(1);
  }
  return *std::move(result);
}
#define TAKE(...) taken(__VA_ARGS__, #__VA_ARGS__, __FILE__, __LINE__)

// Bytes that differ from place to place.
std::string pattern(std::size_t n, std::size_t from = 0);

inline const std::string root_key = "0123456789abcdef0123456789ABCDEF";

// A library, a keyring, and a published keystore with the keys "k1" and "k2".
struct World {
  explicit World(const ossenc::Config &config = {});
  void change(const ossenc::Change &change);

  ossenc::Library lib;
  ossenc::Buffer image;
  ossenc::Keystore keystore;
  ossenc::Keyring keyring;
};

// Where an object of that name belongs, under k1, and what may be expected of it.
ossenc::Context place_of(ossenc::Bytes name);
ossenc::Choice under(ossenc::Bytes key);
ossenc::Expect anything();

#endif
