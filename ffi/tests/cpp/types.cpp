// What the compiler can check: handles move and do not copy, const is the thread rule, views are cheap.
#include <array>
#include <memory>
#include <type_traits>
#include <utility>

#include "check.hpp"

using namespace ossenc;

template <class T>
constexpr bool is_handle = std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
                           !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> &&
                           std::is_nothrow_default_constructible_v<T> && std::is_nothrow_destructible_v<T>;
static_assert(is_handle<Library> && is_handle<Keystore> && is_handle<Keyring> && is_handle<Operation> &&
              is_handle<Object> && is_handle<Sealer> && is_handle<Map> && is_handle<Opener> && is_handle<Stream> &&
              is_handle<Census> && is_handle<sse::Decision>);
static_assert(sizeof(Library) == sizeof(void *) && sizeof(Sealer) == sizeof(void *));

static_assert(!std::is_copy_constructible_v<Result<Library>> && std::is_nothrow_move_constructible_v<Result<Library>>);
static_assert(std::is_copy_constructible_v<Result<std::size_t>> && std::is_nothrow_move_constructible_v<Result<void>>);
static_assert(!std::is_convertible_v<Result<bool>, bool>, "a result is not taken for its value");
static_assert(std::is_trivially_copyable_v<Error> && sizeof(Error) <= 128);
static_assert(std::is_trivially_copyable_v<Bytes> && std::is_trivially_copyable_v<MutableBytes>);
static_assert(std::is_trivially_copyable_v<Ticket> && std::is_trivially_copyable_v<Extent>);

// A const handle gives a const C handle.
static_assert(std::is_same_v<decltype(std::declval<const Sealer &>().get()), const ossenc_sealer *>);
static_assert(std::is_same_v<decltype(std::declval<Sealer &>().get()), ossenc_sealer *>);
static_assert(std::is_same_v<decltype(std::declval<Keystore &>().get()), const ossenc_keystore *>);

template <class T>
constexpr bool reads = std::is_convertible_v<T, Bytes>;
template <class T>
constexpr bool writes = std::is_convertible_v<T, MutableBytes>;

static_assert(reads<std::string> && reads<const std::string &> && reads<std::string_view> && reads<const char *>);
static_assert(reads<std::vector<unsigned char>> && reads<const std::vector<std::byte> &> && reads<std::vector<char>>);
static_assert(reads<std::array<std::uint8_t, 4>> && reads<const std::uint8_t (&)[4]> && reads<char (&)[4]>);
static_assert(reads<MutableBytes>);
static_assert(!reads<std::nullptr_t> && !reads<int> && !reads<std::vector<int>> && !reads<std::wstring> &&
              !reads<void *>);

static_assert(writes<std::string &> && writes<std::vector<unsigned char> &> && writes<std::array<std::byte, 4> &>);
static_assert(writes<std::uint8_t (&)[4]> && writes<char (&)[4]>);
static_assert(!writes<const std::string &> && !writes<std::string_view> && !writes<Bytes> && !writes<const char *>);
static_assert(!writes<std::string> && !writes<std::vector<unsigned char>> && !writes<std::array<char, 4>>,
              "nothing is written to what is gone");
static_assert(!writes<std::nullptr_t> && !writes<char *> && !writes<std::vector<int> &>);

static_assert(std::is_convertible_v<const std::vector<Pair> &, List<Pair>> &&
              std::is_convertible_v<Bytes (&)[2], List<Bytes>>);
static_assert(!std::is_convertible_v<std::vector<Pair>, List<Pair>>, "a list of what is gone");

static_assert(std::is_convertible_v<const std::string &, Source> &&
              std::is_convertible_v<std::vector<Piece> &, Source>);
static_assert(std::is_convertible_v<std::string &, Target> && std::is_convertible_v<Piece (&)[2], Target>);
static_assert(!std::is_convertible_v<const std::string &, Target> && !std::is_convertible_v<std::string, Target>);

#if defined(__cpp_lib_span)
static_assert(reads<std::span<const std::byte>> && reads<std::span<std::uint8_t, 4>>);
static_assert(writes<std::span<std::byte>> && writes<std::span<std::uint8_t, 4>> &&
              !writes<std::span<const std::byte>>);
static_assert(std::is_convertible_v<std::span<char>, Target> && std::is_convertible_v<std::span<const char>, Source>);
#endif

TEST(bytes_are_what_they_were_made_from) {
  const std::string text = "with\0zero";
  CHECK(Bytes(text).data() == reinterpret_cast<const std::uint8_t *>(text.data()) && Bytes(text).size() == text.size());
  CHECK(Bytes("literal").text() == "literal");
  char array[8] = "abc";
  CHECK(Bytes(array).size() == 3 && MutableBytes(array).size() == 8);
  const unsigned char raw[4] = {1, 2, 3, 0};
  CHECK(Bytes(raw).size() == 4);
  CHECK(Bytes().empty() && Bytes().text().empty() && Bytes().data() == nullptr);

  const Bytes seven("1234567");
  CHECK(seven.sub(2).text() == "34567" && seven.sub(2, 3).text() == "345" && seven.sub(6, 9).text() == "7");
  CHECK(seven.sub(7).empty() && seven.sub(8, 1).empty());
  CHECK(MutableBytes(array).sub(6).size() == 2 &&
        MutableBytes(array).sub(2, 3).data() == MutableBytes(array).data() + 2);
  CHECK(MutableBytes(array).sub(8).empty());
}

TEST(pieces_are_those_of_the_caller) {
  std::string a = "abc", b = "de";
  const Piece pieces[] = {piece(Bytes(a)), piece(MutableBytes(b))};
  const Source several(pieces), one(a), none;
  CHECK(several.data() == pieces && several.size() == 2);
  CHECK(one.size() == 1 && one.data()->p == a.data() && one.data()->n == 3);
  CHECK(none.size() == 0);
  const Source copy(one);
  CHECK(copy.data() != one.data() && copy.data()->p == a.data());
  CHECK(Target(b).data()->p == b.data());
}

TEST(a_result_is_a_value_or_an_error) {
  Result<std::unique_ptr<int>> value = std::make_unique<int>(7);
  CHECK(value && value.ok() && value.status() == Status::Ok && **value == 7);
  std::unique_ptr<int> out = *std::move(value);
  CHECK(*out == 7);
  Result<std::unique_ptr<int>> error = Error(Status::Chunk, 16384);
  CHECK(!error && error.status() == Status::Chunk && error.error().offset() == 16384);
  CHECK(std::string_view(error.error().message()) == describe(Status::Chunk));
  CHECK(std::move(error).value_or(nullptr) == nullptr);

  Result<void> done, failed = Error(Status::State);
  CHECK(done && done.status() == Status::Ok && !failed && failed.status() == Status::State);
  failed = done;
  CHECK(failed.ok());
}

TEST(errors_say_what_the_library_says) {
  World world;
  Result<Keystore> wrong = Keystore::load(world.lib, world.image, "0123456789abcdef0123456789ABCDEX", 0);
  FAILS(Commit, wrong);
  CHECK(wrong.error().message()[0] != 0);
  FAILS(Argument, Keystore::load(world.lib, world.image, "short", 0));
  Result<Buffer> again = world.keystore.apply(Change::create("k1"));
  CHECK(!again && std::string_view(again.error().message()) != describe(again.status()));
}

#if OSSENC_HAS_EXCEPTIONS
TEST(or_throw_throws_the_error) {
  Library lib = or_throw(Library::create());
  CHECK(lib);
  or_throw(Result<void>());
  try {
    Keystore none = or_throw(Keystore::load(lib, "nonsense", root_key, 0));
    CHECK(false);
  } catch (const Exception &e) {
    CHECK(e.status() == Status::Format && e.what()[0] != 0 && e.error().status() == e.status());
  }
  try {
    or_throw(Result<void>(Error(Status::Timeout)));
    CHECK(false);
  } catch (const std::exception &e) {
    CHECK(std::string_view(e.what()) == describe(Status::Timeout));
  }
}
#endif

TEST(an_empty_handle_is_an_argument_error_and_nothing_else) {
  Keyring keyring;
  Keystore keystore;
  CHECK(!keyring && !keystore && keystore.keys() == 0 && keystore.generation() == 0);
  FAILS(Argument, keyring.publish(keystore));
  FAILS(Argument, keyring.create(under("k1"), place_of("a"), Shape::Single));
  FAILS(Argument, Object().seal(0, Layout::Inline, "x", {}));
  FAILS(Argument, Map().plan(0, 1));
  Ask ask;
  FAILS(Argument, Operation().step(ask));
  FAILS(Argument, Stream().next({}, {}));

  World world;
  Keyring taken = std::move(world.keyring);
  CHECK(taken && !world.keyring);
  FAILS(Argument, world.keyring.stats());
  OK(taken.publish(world.keystore));
  ossenc_keyring *raw = taken.release();
  CHECK(!taken);
  taken = Keyring(raw);
  OK(taken.publish(world.keystore));
}
