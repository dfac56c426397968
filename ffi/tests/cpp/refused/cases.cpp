// What must not compile: run.sh builds this file as it is, which works, and then with each CASE alone, which must fail with
// an error that matches what is behind it.
#include <utility>

#include <ossenc.hpp>

using namespace ossenc;

void use(Keyring &keyring, const Keystore &keystore, const Sealer &shared, Operation &op, Stream &stream, Bytes bytes,
         MutableBytes room, Ask &ask);
void use(Keyring &keyring, const Keystore &keystore, const Sealer &shared, Operation &op, Stream &stream, Bytes bytes,
         MutableBytes room, Ask &ask) {
  (void)keyring.publish(keystore);
  (void)shared.reserve();
  (void)op.step(ask);
  (void)stream.next(bytes, room);

#if CASE == 1  // unused
  keyring.publish(keystore);
#elif CASE == 2  // unused
  shared.run(Ticket{}, bytes, room);
#elif CASE == 3  // unused
  Library::create();
#elif CASE == 4  // unused
  sse::Decision::resolve({});
#elif CASE == 5  // delete
  Keyring copy = keyring;
  (void)copy;
#elif CASE == 6  // const ossenc::
  (void)shared.next(bytes, room);
#elif CASE == 7  // const ossenc::
  (void)shared.finish(bytes, room);
#elif CASE == 8  // const ossenc::
  const Stream &both = stream;
  (void)both.next(bytes, room);
#elif CASE == 9  // delete
  List<Pair> list = std::vector<Pair>();
  (void)list;
#elif CASE == 10  // string
  MutableBytes gone = std::string("room");
  (void)gone;
#elif CASE == 11  // layout_size|Layout
  (void)layout_size(Method::SseOss, 1);
#elif CASE == 12 && !OSSENC_HAS_EXCEPTIONS  // or_throw
  or_throw(keyring.publish(keystore));
#elif CASE == 13 && defined(__clang__)  // dangling
  Bytes gone = std::string("text");
  (void)gone;
#elif CASE == 14 && defined(__clang__)  // dangling
  Context place{std::string("tenant"), {}, {}, {}, {}};
  (void)place;
#elif defined(CASE)
#error not for this compiler
#endif
}
