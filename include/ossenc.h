/*
 * libossenc: envelope encryption for objects at rest.
 *
 * Generated from ffi/src by cbindgen; change the sources, then run `make header`.
 *
 * LIMITS  A body holds at most 2^46 - 1 bytes of plaintext. An envelope of one local key takes at most
 *   OSSENC_ENVELOPE_MAX bytes, and at most 214 when the key's id has at most 36. A keystore image takes at
 *   most 64 MiB.
 *
 * HANDLES  Opaque; made by `..._new`, `..._load`, or an operation; freed by the `..._free` of their type, for
 *   which NULL is legal. A handle keeps alive what it needs: handles may be freed in any order. When a call
 *   fails, the place for a handle is set to NULL.
 *
 * THREADS  A handle passed as `const T *` may be used by any number of threads at once; one passed as `T *`
 *   by one at a time. Freeing is the caller's to order after every other use. The library has no globals that
 *   matter to callers, no threads, no signals, and reads no environment variables. It does I/O in
 *   ossenc_keystore_swap_file alone.
 *
 * STACK  The calls that move data, those that say "no allocation, lock or system call", take at most 8 KiB of
 *   stack.
 *
 * KEYS  All keys (of keystores, open objects, sealers, openers and streams) live in memory that Linux (4.14 and
 *   later) leaves out of core dumps and wipes in a forked child, and that is locked if ossenc_config.require_mlock
 *   says so; where a kernel cannot wipe, a fork is not noticed. Keys that a caller passes in are copied there: its own
 *   bytes are its to wipe.
 *
 * FORK  In a forked child, every call that needs a key of its parent's handles ends in OSSENC_E_FORKED, before any
 *   chunk or ticket is spent; freeing them is safe, and a new ossenc_lib with a keystore loaded anew works. Fork when
 *   no other thread is publishing to a keyring that the child will use. The parent is not affected.
 *
 * POINTERS  What a call gets is borrowed until it returns. {NULL, 0} is the empty string. An ossenc_out is
 *   the caller's memory. Inputs and outputs do not overlap unless a function says where they may. NULL for a
 *   handle, a struct or a place that a function needs is OSSENC_E_ARG.
 *
 * STRUCTS that begin with `size` are extended at their end by later versions: set them to zero, then `size` to
 *   their sizeof. Of an input struct, fields that the caller's version did not have yet are taken for zero, and
 *   fields that this version does not know have to be zero (OSSENC_E_TOONEW); a `size` that was not set is
 *   OSSENC_E_ARG. An output struct is filled as far as its `size` goes; an ossenc_error with `size` 0 is left alone.
 *
 * ERRORS  Every call that can fail returns an ossenc_status. An ossenc_error, where there is one, says more;
 *   NULL is legal. On failure an output holds nothing unauthenticated. A panic of the library (a defect)
 *   becomes OSSENC_E_PANIC.
 *
 * TRUST  Nothing that is read from an envelope or a keystore image is authentic before it was opened. What to
 *   expect, and the context, come from the caller's own index.
 *
 * The stored format: docs/FORMAT.md. Its primitive: c2sp.org/chunked-encryption with SHA-512 and AES-256-GCM.
 */


#ifndef OSSENC_H
#define OSSENC_H

#include <stddef.h>
#include <stdint.h>

// The version of this header: major x 1,000,000 + minor x 1,000 + patch.
#define OSSENC_VERSION_NUMBER 1000
// The version of this header.
#define OSSENC_VERSION_STRING "0.1.0"

// Receipts without the CRC-64 of the plaintext, for `ossenc_config.omit_digests`.
#define OSSENC_OMIT_CRC64_PLAIN 1

// Receipts without the CRC-32C of the body, for `ossenc_config.omit_digests`.
#define OSSENC_OMIT_CRC32C_BODY 2

// The format version that this library writes.
#define OSSENC_WRITE_FORMAT 1

// No bound: the fastest that the CPU offers.
#define OSSENC_ISA_BEST 0

// Portable code, for every CPU.
#define OSSENC_ISA_PORTABLE 1

// aarch64: the cryptographic extension's AES and PMULL.
#define OSSENC_ISA_ARMV8 2

// x86-64: AES-NI and PCLMULQDQ, 128-bit vectors.
#define OSSENC_ISA_AESNI 3

// x86-64: AVX2, VAES and VPCLMULQDQ, 256-bit vectors.
#define OSSENC_ISA_AVX2 4

// x86-64: AVX-512, VAES and VPCLMULQDQ, 512-bit vectors.
#define OSSENC_ISA_AVX512 5

// A data key was wrapped: an object was created, or rewrapped.
#define OSSENC_EVENT_WRAP 1

// A data key was unwrapped: an object was opened, or rewrapped.
#define OSSENC_EVENT_UNWRAP 2

// The root key is given as it is: `ossenc_keystore_load`.
#define OSSENC_KDF_NONE 0

// It is derived from a passphrase: `ossenc_keystore_load_passphrase`.
#define OSSENC_KDF_ARGON2ID 1

// Enabled: wraps and unwraps.
#define OSSENC_KEY_ENABLED 1

// Disabled: neither wraps nor unwraps.
#define OSSENC_KEY_DISABLED 2

// Waiting for its deletion: neither wraps nor unwraps.
#define OSSENC_KEY_PENDING_DELETION 3

// Waiting for material to be imported: neither wraps nor unwraps.
#define OSSENC_KEY_PENDING_IMPORT 4

// Staged: unwraps, does not wrap yet.
#define OSSENC_VERSION_STAGED 1

// Active: unwraps, and wraps while it is the primary.
#define OSSENC_VERSION_ACTIVE 2

// Retired: neither; its material is kept.
#define OSSENC_VERSION_RETIRED 3

// Destroyed: its material is gone.
#define OSSENC_VERSION_DESTROYED 4

// Keys to rotate: enabled, with a period that has passed since the last promotion.
#define OSSENC_DUE_ROTATION 1

// Keys to delete: their deletion was scheduled, and its time has come.
#define OSSENC_DUE_DELETION 2

// Keys of which material that is in use has expired: to be deleted, or imported again before.
#define OSSENC_DUE_EXPIRY 3

// Makes the master key `key_id`, enabled, with version 1 as its primary.
#define OSSENC_KS_CREATE 1

// Makes the next version of `key_id`: it unwraps, and does not wrap yet. It is the last one listed once the image was
// loaded.
#define OSSENC_KS_STAGE 2

// Makes `version` of `key_id` the primary, which wraps; an empty `version` takes the newest staged one.
#define OSSENC_KS_PROMOTE 3

// Switches the disabled key `key_id` on.
#define OSSENC_KS_ENABLE 4

// Switches the enabled key `key_id` off: it neither wraps nor unwraps.
#define OSSENC_KS_DISABLE 5

// Takes the enabled or disabled key `key_id` out of use, to be deleted after `window_days`: 7 to 366.
#define OSSENC_KS_SCHEDULE_DELETION 6

// Calls the deletion of `key_id` off. The key is disabled.
#define OSSENC_KS_CANCEL_DELETION 7

// Takes `version` of `key_id` out of use: what it wrapped does not open any more. Never the primary.
#define OSSENC_KS_RETIRE 8

// Brings the 32 bytes of `material` for `key_id`, which was made for it, to be used until `not_after`, or for ever if
// that is 0. After the first time only the same material is taken.
#define OSSENC_KS_IMPORT 9

// Gives `key_id` an `alias` that no key has, not beginning `alias/acs` or `alias/aws`.
#define OSSENC_KS_ALIAS 10

// Sets the rotation period of `key_id` to `period_s`: 7 to 730 days in seconds, 0 for none.
#define OSSENC_KS_PERIOD 11

// Empties the material of the retired `version` of `key_id`: what it wrapped never opens again.
#define OSSENC_KS_DESTROY 12

// Removes `key_id` with all its material, when its deletion is due; or when it awaits an import and has no material.
#define OSSENC_KS_DELETE 13

// Makes the master key `key_id` without material, to be imported.
#define OSSENC_KS_CREATE_FOR_IMPORT 14

// Empties the imported material of `key_id`. The same can be imported again.
#define OSSENC_KS_DELETE_MATERIAL 15

// Moves `alias` from the key that has it to `key_id`.
#define OSSENC_KS_MOVE_ALIAS 16

// Takes `alias` from the key that has it. `key_id` is empty.
#define OSSENC_KS_REMOVE_ALIAS 17

// Gives `key_id` an `alias` of the service's own, which begins `alias/acs` or `alias/aws`, and takes it from the key
// that had it. Not for a daemon's customers to ask for.
#define OSSENC_KS_SERVICE_ALIAS 18

// Make 32 secret bytes and wrap them under `key_id`. Wanted: `secret`, `blob`, `key_id` as resolved, `key_version`.
#define OSSENC_VERB_GENERATE 1

// Unwrap `blob`. Wanted: `secret`.
#define OSSENC_VERB_UNWRAP 2

// Fetch the record of the bucket key `bucket_key_id`. Wanted: `blob`.
#define OSSENC_VERB_LOAD_BUCKET_KEY 3

// Keep `blob`, the record of the bucket key `bucket_key_id`. Wanted: that it is durable when answered.
#define OSSENC_VERB_STORE_BUCKET_KEY 4

// Master keys held and rotated by the service.
#define OSSENC_METHOD_SSE_OSS 1

// Customer master keys.
#define OSSENC_METHOD_SSE_KMS 2

// Keys that the customer gives with each request.
#define OSSENC_METHOD_SSE_C 3

// Allows `OSSENC_METHOD_SSE_OSS` in `ossenc_expect.methods`.
#define OSSENC_ALLOW_SSE_OSS (1 << 1)

// Allows `OSSENC_METHOD_SSE_KMS` in `ossenc_expect.methods`.
#define OSSENC_ALLOW_SSE_KMS (1 << 2)

// Allows `OSSENC_METHOD_SSE_C` in `ossenc_expect.methods`: it needs `ossenc_expect.customer_key`, and no key id.
#define OSSENC_ALLOW_SSE_C (1 << 3)

// The master key wraps the data key itself.
#define OSSENC_BUCKET_KEY_NONE 0

// A bucket key wraps the data key; each envelope holds its record.
#define OSSENC_BUCKET_KEY_BY_VALUE 1

// A bucket key wraps the data key; envelopes hold its id, and its record is stored and loaded by asks.
#define OSSENC_BUCKET_KEY_BY_REFERENCE 2

// A slot was wrapped under a version that is not its key's primary.
#define OSSENC_REWRAP_OLD_VERSION 1

// A slot's key or version does not unwrap any more.
#define OSSENC_REWRAP_KEY_STATE 2

// A slot's key or version is not in the published keystore.
#define OSSENC_REWRAP_UNKNOWN_KEY 4

// Room that is always enough for an envelope of one local slot.
#define OSSENC_ENVELOPE_MAX 512

// Most bytes of plaintext of `ossenc_direct_encrypt`.
#define OSSENC_DIRECT_MAX 4095

// The layout INLINE: a head of 56 bytes, then each chunk followed by its tag.
#define OSSENC_INLINE 0

// The layout DETACHED: a body exactly as long as the plaintext; head and tags lie aside.
#define OSSENC_DETACHED 1

// The layout PAGED: 4 MiB of ciphertext, then one page of 4,096 bytes with its tags, repeated; the last ciphertext and
// page padded with zeros to 4,096. The head is in the receipt, and the caller keeps the plaintext's length.
#define OSSENC_PAGED 2

// Plaintext bytes of a chunk; a segment's last chunk has fewer.
#define OSSENC_CHUNK 16384

// Stored bytes of a whole chunk, INLINE.
#define OSSENC_STORED_CHUNK 16400

// Bytes of a segment's head.
#define OSSENC_HEAD 56

// For `ossenc_map_single`: the caller has no length that it trusts.
#define OSSENC_UNKNOWN UINT64_MAX

// Bytes of an encoded receipt.
#define OSSENC_RECEIPT 104

// The dialect of Alibaba Cloud OSS.
#define OSSENC_SSE_OSS 1

// The dialect of Amazon S3.
#define OSSENC_SSE_S3 2

// PutObject.
#define OSSENC_SSE_PUT_OBJECT 1

// PostObject: the form's fields are its headers.
#define OSSENC_SSE_POST_OBJECT 2

// CopyObject.
#define OSSENC_SSE_COPY_OBJECT 3

// InitiateMultipartUpload; S3's CreateMultipartUpload.
#define OSSENC_SSE_INITIATE_UPLOAD 4

// UploadPart.
#define OSSENC_SSE_UPLOAD_PART 5

// UploadPartCopy.
#define OSSENC_SSE_UPLOAD_PART_COPY 6

// CompleteMultipartUpload.
#define OSSENC_SSE_COMPLETE_UPLOAD 7

// AppendObject at position 0.
#define OSSENC_SSE_APPEND_FIRST 8

// AppendObject at a later position.
#define OSSENC_SSE_APPEND_LATER 9

// GetObject.
#define OSSENC_SSE_GET_OBJECT 10

// HeadObject.
#define OSSENC_SSE_HEAD_OBJECT 11

// ListParts.
#define OSSENC_SSE_LIST_PARTS 12

// PutBucket; S3's CreateBucket.
#define OSSENC_SSE_PUT_BUCKET 13

// PutBucketEncryption.
#define OSSENC_SSE_PUT_BUCKET_ENCRYPTION 14

// GetBucketEncryption.
#define OSSENC_SSE_GET_BUCKET_ENCRYPTION 15

// DeleteBucketEncryption.
#define OSSENC_SSE_DELETE_BUCKET_ENCRYPTION 16

// GetBucketInfo.
#define OSSENC_SSE_GET_BUCKET_INFO 17

// Any other operation.
#define OSSENC_SSE_OTHER 18

// Encryption has no part in the operation.
#define OSSENC_SSE_NOTHING 0

// The operation makes an object or upload: encrypt it as the decision says.
#define OSSENC_SSE_BEGIN 1

// The operation goes on with an object or upload, or reads it: what is recorded counts.
#define OSSENC_SSE_GO_ON 2

// The operation makes a bucket: store the decision's rule with it, if there is one.
#define OSSENC_SSE_MAKE_BUCKET 3

// Not encrypted, for `ossenc_sse_decision.method` and `ossenc_sse_request`; beside `OSSENC_METHOD_...`.
#define OSSENC_METHOD_NONE 0

// The document of OSS: PutBucketEncryption, GetBucketEncryption.
#define OSSENC_SSE_RULE_OSS 1

// The document of S3.
#define OSSENC_SSE_RULE_S3 2

// The flat element inside the `<Bucket>` of OSS's GetBucketInfo, without a declaration; it says `None` for no rule.
#define OSSENC_SSE_RULE_BUCKET_INFO 3

// Counts of slots per version of a key: says whether a version can be retired. Merged from shards.
typedef struct ossenc_census ossenc_census;

// Shares the newest published keystore among threads, and keys that services gave, within its limits. Any number of
// threads may use it.
typedef struct ossenc_keyring ossenc_keyring;

// An immutable snapshot of all master keys. Any number of threads may use it.
typedef struct ossenc_keystore ossenc_keystore;

// The library: what was chosen at start-up. Any number of threads may use it; what was made from it keeps what it
// needs, so it may be freed at any time.
typedef struct ossenc_lib ossenc_lib;

// Where an object's bytes lie. Immutable; any number of threads may use it.
typedef struct ossenc_map ossenc_map;

// An object whose data key is open. Any number of threads may use it. The key is wiped when the last handle of
// the object is freed; its sealers and openers have keys of their own.
typedef struct ossenc_object ossenc_object;

// A creation, an opening, a rewrap or a refresh under way. One thread at a time.
typedef struct ossenc_op ossenc_op;

// Opens the chunks of one segment. Any number of threads may use it.
typedef struct ossenc_opener ossenc_opener;

// Seals one segment. It draws its own salt and hands out its own chunk numbers: no sequence of calls, from any
// threads, encrypts two plaintexts under one nonce.
typedef struct ossenc_sealer ossenc_sealer;

// What a request means, with the memory for it.
typedef struct ossenc_sse_resolved ossenc_sse_resolved;

// Opens a segment in the layout INLINE, in order, as it arrives. One thread at a time.
typedef struct ossenc_stream ossenc_stream;

// The outcome of a call: `OSSENC_OK`, from a step also `OSSENC_ASK` or `OSSENC_WAIT`, or a negative `OSSENC_E_...`. More
// values may be added.
typedef int32_t ossenc_status;

// The time, as a callback of the caller's gives it.
typedef struct ossenc_time {
  // Wall time in seconds since 1970: recorded in envelopes and keystores, compared with expiry dates.
  int64_t wall_s;
  // Monotonic time in nanoseconds, from any origin: all lifetimes and timeouts.
  uint64_t mono_ns;
} ossenc_time;

// Bytes that the call reads: borrowed for its duration. `{NULL, 0}` is the empty string.
typedef struct ossenc_in {
  // The first byte.
  const void *p;
  // How many.
  size_t n;
} ossenc_in;

// A wrap or an unwrap that has ended, for the audit log. Borrowed for the call.
typedef struct ossenc_event {
  // `sizeof (ossenc_event)` of the library that is linked.
  size_t size;
  // `OSSENC_EVENT_...`.
  uint32_t what;
  // How it ended.
  ossenc_status status;
  // The object; zeros if there was no envelope to tell.
  uint8_t object_id[16];
  // Which provider has the master key; empty for local and customer keys.
  struct ossenc_in provider;
  // The master key. Of an opening that failed, the last one that was tried; empty if none was.
  struct ossenc_in key_id;
  // Its version.
  struct ossenc_in key_version;
} ossenc_event;

// How the library is set up. Set all to zero, then `size` and what is wanted.
typedef struct ossenc_config {
  // `sizeof (ossenc_config)`.
  size_t size;
  // An upper bound on the instruction sets used: `OSSENC_ISA_...`.
  uint32_t isa_cap;
  // The newest format that every reader of the cluster understands: 1, or 0 for this library's own.
  uint32_t write_format;
  // Passed to the callbacks.
  void *user;
  // The time; NULL for the system's clock. Called from any thread that uses the library.
  void (*now)(void *user, struct ossenc_time *time);
  // Fills `p` with `n` random bytes and returns `OSSENC_OK`; NULL for the system's source. Called from any thread
  // that uses the library; must not fail silently.
  ossenc_status (*entropy)(void *user, void *p, size_t n);
  // Digests that receipts need not hold: `OSSENC_OMIT_...`, added up; 0 for both digests. Both together take about
  // as long as the encryption, on CPUs where that is fastest.
  uint32_t omit_digests;
  // 1: memory for keys is locked (`mlock`), never to be swapped out, or the call that needs it ends in
  // `OSSENC_E_MLOCK`. 0: it is not. A lock counts towards `RLIMIT_MEMLOCK`, in steps of 64 and 256 KiB: about 0.5
  // KiB for an open object, 2 KiB for a sealer, opener or stream, 64 bytes for a version of a master key; and, while
  // a keystore is loaded or changed, as much as its image takes.
  uint32_t require_mlock;
  // Is told every wrap and unwrap, on the thread that did it; NULL for nobody. Must not call the library.
  void (*event)(void *user, const struct ossenc_event *event);
  // Says that the operation made with `waiter` shall be stepped again; NULL for callers that only run operations.
  // Called on the thread that stepped or freed another operation, perhaps before `OSSENC_WAIT` was returned, perhaps
  // without need, never after `ossenc_op_free` has returned. It sets a flag or writes to a pipe: it must not call the
  // library.
  void (*wake)(void *user, void *waiter);
} ossenc_config;

// What went wrong, in detail. Set `size` to `sizeof (ossenc_error)` before the first use; NULL is always allowed. It
// never holds key bytes or plaintext.
typedef struct ossenc_error {
  // `sizeof (ossenc_error)`, set by the caller.
  size_t size;
  // The same as the call returned.
  ossenc_status status;
  // The errno of `OSSENC_E_IO`, the service's code of `OSSENC_E_KMS`; else 0.
  int32_t code;
  // The part that the error is about; 0 for single-segment objects.
  uint32_t part;
  // See the statuses; else 0.
  uint64_t offset;
  // An English sentence for logs, terminated.
  char text[96];
} ossenc_error;

// Room that the call writes to. With too little of it the call ends in `OSSENC_E_BUFFER`, and `n` says what is needed;
// so `{NULL, 0, 0}` asks for the size, which costs neither randomness nor a call to a KMS.
typedef struct ossenc_out {
  // The first byte.
  void *p;
  // How many bytes there is room for.
  size_t cap;
  // Set by the call: how many were written, or are needed.
  size_t n;
} ossenc_out;

// What deriving a root key from a passphrase costs (Argon2id, RFC 9106), the owner and the attacker alike. NULL for
// the default: 64 MiB, 3 passes, 4 lanes, which are computed one after the other.
typedef struct ossenc_passphrase_cost {
  // `sizeof (ossenc_passphrase_cost)`.
  size_t size;
  // Memory in KiB: 8 for each lane to 2,097,152. Allocated for the time of the derivation, and wiped.
  uint32_t kib;
  // Passes over it: 1 to 32.
  uint32_t passes;
  // Lanes: 1 to 32.
  uint32_t lanes;
} ossenc_passphrase_cost;

// What an image says without its root key: not authentic.
typedef struct ossenc_keystore_info {
  // `sizeof (ossenc_keystore_info)`.
  size_t size;
  // Counts the changes, from 1.
  uint64_t generation;
  // Drawn when the keystore was made.
  uint8_t keystore_id[16];
  // The root key that opens it, terminated.
  char root_key_id[256];
  // `OSSENC_KDF_...`: where that comes from.
  uint32_t kdf;
} ossenc_keystore_info;

// A master key.
typedef struct ossenc_key_info {
  // `sizeof (ossenc_key_info)`.
  size_t size;
  // `OSSENC_KEY_...`.
  uint32_t state;
  // 1: made by the keystore, 2: imported.
  uint32_t origin;
  // Its id, borrowed from the keystore.
  struct ossenc_in key_id;
  // The version that wraps; 0 for none.
  uint64_t primary;
  // Seconds since 1970.
  uint64_t created_at;
  // Seconds since 1970 of the last promotion, or of the first material.
  uint64_t last_rotated_at;
  // How many versions it has.
  size_t versions;
  // How many aliases it has.
  size_t aliases;
  // Seconds since 1970 from when on it may be deleted; 0 unless it waits for that.
  uint64_t delete_at;
  // How often it is to be rotated, in seconds; 0 for never by time.
  uint64_t period_s;
  // Seconds since 1970 from when on its primary is not used; 0 for never.
  uint64_t not_after;
} ossenc_key_info;

// A version of a master key.
typedef struct ossenc_version_info {
  // `sizeof (ossenc_version_info)`.
  size_t size;
  // `OSSENC_VERSION_...`.
  uint32_t state;
  // Its number, from 1.
  uint64_t number;
  // Seconds since 1970.
  uint64_t created_at;
  // Seconds since 1970 from when on it is not used; 0 for never.
  uint64_t not_after;
  // 1 if its material is in the image, 0 if it was destroyed or deleted or is still to be imported.
  uint32_t has_material;
} ossenc_version_info;

// One change of a keystore. What a change does not take, by its description, stays empty or 0.
typedef struct ossenc_change {
  // `sizeof (ossenc_change)`.
  size_t size;
  // `OSSENC_KS_...`.
  uint32_t what;
  // The master key's id: 1 to 255 characters of 0x21 to 0x7e, not beginning `alias/`.
  struct ossenc_in key_id;
  // The version, in decimal.
  struct ossenc_in version;
  // 32 bytes, not all zero. The caller wipes its own copy.
  struct ossenc_in material;
  // `alias/`, and 1 to 249 characters of 0x21 to 0x7e.
  struct ossenc_in alias;
  // Seconds since 1970, later than now.
  uint64_t not_after;
  // Seconds.
  uint64_t period_s;
  // Days.
  uint32_t window_days;
} ossenc_change;

// How much a keyring keeps, and for how long: see docs/key-services.md. 0 takes the default, for every field.
typedef struct ossenc_limits {
  // `sizeof (ossenc_limits)`.
  size_t size;
  // How many keys are kept; the least recently used go first. 10,000.
  uint32_t entries;
  // How often a key that is kept is served before it is asked for again. Without bound.
  uint32_t uses;
  // Milliseconds after which a key that is still served is due for `ossenc_keyring_refresh`. 300,000.
  uint32_t soft_ms;
  // Milliseconds after which a key is served no longer, counted from when it was asked for: the revocation latency.
  // 3,600,000.
  uint32_t hard_ms;
  // Milliseconds for which a failure is kept, and a key that has not opened a slot yet. 1,000.
  uint32_t negative_ms;
  // Milliseconds that a call may take before another operation makes it again. 10,000.
  uint32_t call_ms;
  // Seconds for which a bucket key wraps. 3,600.
  uint32_t bucket_key_s;
  // 0.
  uint32_t reserved;
  // How many objects a bucket key wraps. 2^20.
  uint64_t bucket_key_uses;
} ossenc_limits;

// The answer to an `ossenc_ask`. Borrowed for the call; who made the secret wipes it.
typedef struct ossenc_answer {
  // `sizeof (ossenc_answer)`.
  size_t size;
  // The ask's `id`.
  uint64_t id;
  // `OSSENC_OK`, or why not: `OSSENC_E_DENIED` it forbids this, `OSSENC_E_NOVERSION` it has no such key or record,
  // `OSSENC_E_KEYSTATE` the key is disabled, `OSSENC_E_KMS_RETRY` it is throttled, away or too slow, `OSSENC_E_KMS`
  // anything else.
  ossenc_status status;
  // The service's own code, with `OSSENC_E_KMS`: it reaches `ossenc_error.code`.
  int32_t code;
  // With `OSSENC_E_KMS_RETRY`, when to try again; 0 if the service does not say.
  uint32_t retry_after_ms;
  // 0.
  uint32_t reserved;
  // The key, 32 bytes: GENERATE, UNWRAP.
  struct ossenc_in secret;
  // What unwraps to it later (GENERATE), or the record (LOAD).
  struct ossenc_in blob;
  // The key that was used, by its own id; may be empty for UNWRAP.
  struct ossenc_in key_id;
  // Its version, if the service tells.
  struct ossenc_in key_version;
} ossenc_answer;

// A key and a value, both UTF-8.
typedef struct ossenc_pair {
  // The key.
  struct ossenc_in key;
  // The value.
  struct ossenc_in value;
} ossenc_pair;

// A call to a key service, or a store of bucket keys, that an operation asks its caller to make. What it points to
// belongs to the operation, and is valid until its next step, or its end.
typedef struct ossenc_ask {
  // `sizeof (ossenc_ask)`, set by the caller.
  size_t size;
  // `OSSENC_VERB_...`.
  uint32_t verb;
  // 0.
  uint32_t reserved;
  // Which ask it is: the answer names it.
  uint64_t id;
  // Nanoseconds until another operation may make the call again, or the operation's time is up. After `OSSENC_WAIT`,
  // the only field that is set: step again after so long, if no wake has come.
  uint64_t timeout_ns;
  // Whom to ask; empty for the records of bucket keys under local master keys.
  struct ossenc_in provider;
  // The master key: its id, or for GENERATE what the choice named.
  struct ossenc_in key_id;
  // Its version; may be empty.
  struct ossenc_in key_version;
  // The encryption context, as the bytes of `map` in docs/FORMAT.md, section 3: for services that take associated
  // data. Empty for records.
  struct ossenc_in context;
  // The same as pairs of strings, sorted by their keys: for services that take a map.
  const struct ossenc_pair *pairs;
  // How many.
  size_t n_pairs;
  // What to unwrap, or the record to keep.
  struct ossenc_in blob;
  // The bucket key whose record it is: 16 bytes; else empty.
  struct ossenc_in bucket_key_id;
} ossenc_ask;

// Takes an answer, on the thread of the call, before the call returns; the last one counts. `answer.id` is not looked
// at. What it points to is borrowed until this returns.
typedef void (*ossenc_reply)(void *reply_to, const struct ossenc_answer *answer);

// A key service, for `ossenc_op_run`.
typedef struct ossenc_provider {
  // `sizeof (ossenc_provider)`.
  size_t size;
  // Makes the call, within `ask->timeout_ns`, hands its answer to `reply(reply_to, ...)`, and returns `OSSENC_OK`; or
  // returns a status of `ossenc_answer.status` without one. Called by the thread that runs the operation; may use the
  // library, but not that operation. Must not throw.
  ossenc_status (*call)(void *user, const struct ossenc_ask *ask, ossenc_reply reply, void *reply_to);
} ossenc_provider;

// Under which key an object shall be wrapped.
typedef struct ossenc_choice {
  // `sizeof (ossenc_choice)`.
  size_t size;
  // `OSSENC_METHOD_...`.
  uint32_t method;
  // A master key's id or alias; empty for SSE-C.
  struct ossenc_in key_id;
  // Which provider has the master key: 1 to 16 characters of `a`-`z`, `0`-`9` and `-`; empty for a local one.
  struct ossenc_in provider;
  // The customer's key, 32 bytes, for SSE-C; else empty.
  struct ossenc_in customer_key;
  // `OSSENC_BUCKET_KEY_...`.
  uint32_t bucket_key;
} ossenc_choice;

// Where an object belongs, from the daemon's own index: never from the object's metadata. A key wrapped under one
// context opens under no other.
typedef struct ossenc_context {
  // `sizeof (ossenc_context)`.
  size_t size;
  // The tenant or account: any bytes, at most 65,535, as for the next three; empty where not used.
  struct ossenc_in tenant;
  // The bucket: an id that is never given to another bucket.
  struct ossenc_in bucket_id;
  // The object's name; or a stable instance id, where renaming must be free.
  struct ossenc_in object;
  // The object's version, in a versioned bucket.
  struct ossenc_in version_id;
  // Further pairs in any order, each key once, none beginning `ossenc:`; at most 8,192 bytes encoded.
  const struct ossenc_pair *user;
  // How many.
  size_t users;
} ossenc_context;

// What an opening may accept. An empty list allows nothing.
typedef struct ossenc_expect {
  // `sizeof (ossenc_expect)`.
  size_t size;
  // `OSSENC_ALLOW_...`, added up.
  uint32_t methods;
  // Ids of the master keys that may have wrapped the object.
  const struct ossenc_in *key_ids;
  // How many.
  size_t n;
  // The customer's key, 32 bytes, for SSE-C; else empty.
  struct ossenc_in customer_key;
} ossenc_expect;

// What an envelope says in clear: not authentic.
typedef struct ossenc_info {
  // `sizeof (ossenc_info)`.
  size_t size;
  // The format version: 1.
  uint32_t format;
  // `OSSENC_METHOD_...`.
  uint32_t method;
  // 1 for a segmented object, 0 for a single message.
  uint32_t segmented;
  // How many slots there are; what follows is of the first.
  uint32_t slots;
  // The object's id.
  uint8_t id[16];
  // The master key, borrowed from the envelope.
  struct ossenc_in key_id;
  // Its version, borrowed from the envelope.
  struct ossenc_in key_version;
  // When it was wrapped, in seconds since 1970.
  int64_t wrapped_at;
} ossenc_info;

// A piece of memory; the layout of POSIX's `struct iovec`. Pieces of a source are only read.
typedef struct ossenc_iov {
  // The first byte; may be NULL when `n` is 0.
  void *p;
  // How many bytes.
  size_t n;
} ossenc_iov;

// The next run of chunks of a segment, and its place: to be spent once. Plain data; a copied, changed or foreign
// ticket is an error, never a repeated nonce.
typedef struct ossenc_ticket {
  // Which one: opaque.
  uint64_t id;
  // Where its plaintext begins in the segment.
  uint64_t plain_off;
  // Where its stored bytes begin in the body.
  uint64_t body_off;
  // Where its tags begin aside (DETACHED); else 0.
  uint64_t side_off;
  // Bytes of plaintext.
  size_t plain;
  // Bytes of body.
  size_t body;
  // Bytes aside.
  size_t side;
} ossenc_ticket;

// What was sealed: for the caller's records. Neither secret nor authentic.
typedef struct ossenc_receipt {
  // `sizeof (ossenc_receipt)`.
  size_t size;
  // The part: 0 for a single-segment object.
  uint32_t part;
  // `OSSENC_INLINE`, `OSSENC_DETACHED` or `OSSENC_PAGED`.
  uint32_t layout;
  // The segment's head.
  uint8_t head[56];
  // Bytes of plaintext.
  uint64_t plain;
  // Bytes of the body.
  uint64_t body;
  // CRC-64/XZ of the plaintext: OSS's `x-oss-hash-crc64ecma`.
  uint64_t crc64_plain;
  // CRC-32C of the body, without what lies aside: to scrub without a key.
  uint32_t crc32c_body;
} ossenc_receipt;

// Where a segment of a map lies.
typedef struct ossenc_segment {
  // `sizeof (ossenc_segment)`.
  size_t size;
  // Its part.
  uint32_t part;
  // Its layout.
  uint32_t layout;
  // Where its plaintext begins in the object.
  uint64_t offset;
  // Bytes of its plaintext.
  uint64_t plain;
  // Bytes of its body.
  uint64_t body;
} ossenc_segment;

// One run of stored bytes to read, and what it answers. Made by `ossenc_plan`.
typedef struct ossenc_extent {
  // The segment, by index: 0 for a single-segment object.
  uint32_t segment;
  // 1 if the segment's last chunk is in the run: opening it proves that the length is true.
  uint32_t last;
  // First chunk of the run.
  uint64_t chunk;
  // Where to read in the segment's body.
  uint64_t body_off;
  // Where to read the run's tags: aside for DETACHED, in the body for PAGED.
  uint64_t side_off;
  // How many bytes to read in the body.
  size_t body;
  // How many bytes to read there: 0 for INLINE.
  size_t side;
  // Bytes read, for the sake of alignment, before the run begins.
  size_t lead;
  // Plaintext bytes of the run that are not wanted, at its start.
  size_t skip;
  // Plaintext bytes that the extent gives.
  size_t take;
} ossenc_extent;

// Where a group of up to 256 chunks lies, with the head where the layout stores it.
typedef struct ossenc_group {
  // Where it begins in the body.
  uint64_t body_off;
  // Where it begins aside.
  uint64_t side_off;
  // Its bytes in the body: at most 4,198,456.
  size_t body;
  // Its bytes aside: at most 4,152.
  size_t side;
} ossenc_group;

// How many slots of one kind are under one version of a key.
typedef struct ossenc_census_entry_info {
  // `sizeof (ossenc_census_entry_info)`.
  size_t size;
  // 1 local master key, 2 remote master key, 3 bucket key by value, 4 bucket key by reference, 5 customer's key.
  uint32_t kind;
  // The key management service, borrowed from the census until it is changed or freed, as are the next two; empty for
  // local and customer keys.
  struct ossenc_in provider;
  // The master key's id; empty for customer keys.
  struct ossenc_in key_id;
  // Its version.
  struct ossenc_in key_version;
  // How many: at least 1.
  uint64_t count;
} ossenc_census_entry_info;

// All that counts of a request.
typedef struct ossenc_sse_request {
  // `sizeof (ossenc_sse_request)`.
  size_t size;
  // `OSSENC_SSE_OSS` or `OSSENC_SSE_S3`.
  uint32_t dialect;
  // `OSSENC_SSE_PUT_OBJECT` and so on.
  uint32_t operation;
  // The method of the object or upload that the operation goes on with or reads: `OSSENC_METHOD_...`.
  uint32_t recorded;
  // For copies, the method of the source: `OSSENC_METHOD_...`.
  uint32_t source;
  // All headers of the request, or fields of the form, as they came: those that are not about encryption are not
  // looked at.
  const struct ossenc_pair *headers;
  // How many.
  size_t n;
  // The bucket's rule, a document of this dialect; empty for none. For copies that of the target's bucket. It is read
  // for the operations that make an object or begin an upload, and for GetBucketEncryption; others ignore it. One that
  // cannot be read is 500, since it was stored, but no hindrance where the request's header goes before it.
  struct ossenc_in rule;
} ossenc_sse_request;

// Why a request is refused, for the client. Set `size` to `sizeof (ossenc_sse_error)` before the first use; NULL is
// always allowed. It holds nothing of the request.
typedef struct ossenc_sse_error {
  // `sizeof (ossenc_sse_error)`, set by the caller.
  size_t size;
  // The HTTP status; 0 if the request was not refused.
  uint32_t http;
  // The error's code, as the dialect has it, terminated: `InvalidArgument`.
  char code[60];
  // A sentence for people, terminated.
  char message[128];
} ossenc_sse_error;

// What is to be done. What it points to is borrowed from the `ossenc_sse_resolved`.
typedef struct ossenc_sse_decision {
  // `sizeof (ossenc_sse_decision)`.
  size_t size;
  // `OSSENC_SSE_NOTHING`, `OSSENC_SSE_BEGIN`, `OSSENC_SSE_GO_ON` or `OSSENC_SSE_MAKE_BUCKET`.
  uint32_t what;
  // BEGIN: `OSSENC_METHOD_...`.
  uint32_t method;
  // SSE-KMS: 1 if no key was named, so that the default one serves: create it if there is none of that alias.
  uint32_t default_key;
  // SSE-KMS: 1 if a bucket key shall spare calls to the key service.
  uint32_t bucket_key;
  // SSE-KMS: the id or alias to use; that of the default key if none was named. Empty for other methods: the service
  // knows its own key.
  struct ossenc_in key_id;
  // SSE-KMS: the client's encryption context, ready for `ossenc_context.user`. Keep it: opening needs it.
  const struct ossenc_pair *context;
  // How many pairs.
  size_t contexts;
  // The same as JSON, sorted and without white space; empty for none.
  struct ossenc_in context_json;
  // BEGIN, GO_ON: the customer's key, 32 bytes, for an object under SSE-C; else empty. It is wiped when the
  // `ossenc_sse_resolved` is freed.
  struct ossenc_in customer_key;
  // Its MD5 in base64, for `ossenc_sse_recorded`.
  struct ossenc_in customer_key_md5;
  // For copies, the same for the source.
  struct ossenc_in source_key;
  // MAKE_BUCKET: the rule, a document of the dialect; empty for none.
  struct ossenc_in rule;
} ossenc_sse_decision;

// What is recorded of an object's or upload's encryption.
typedef struct ossenc_sse_recorded {
  // `sizeof (ossenc_sse_recorded)`.
  size_t size;
  // Its envelope, once it has opened; empty for what is not encrypted, or under a customer's key whose MD5 is given.
  struct ossenc_in envelope;
  // SSE-KMS: the JSON of the client's encryption context, as the decision had it; empty for none. Used by S3.
  struct ossenc_in context_json;
  // SSE-C: the MD5 of the key in the request, in base64. To complete an upload it may be empty.
  struct ossenc_in customer_key_md5;
} ossenc_sse_recorded;

// What the body of an error tells of the request. Any UTF-8; what is empty and optional is left out.
typedef struct ossenc_sse_request_info {
  // `sizeof (ossenc_sse_request_info)`.
  size_t size;
  // The request's id, as in the header `x-oss-request-id` or `x-amz-request-id`.
  struct ossenc_in request_id;
  // OSS: the host that the client used. S3: an id of the server.
  struct ossenc_in host_id;
  // OSS: the number of the error's page, for `<EC>`; optional.
  struct ossenc_in ec;
  // S3: the path; optional.
  struct ossenc_in resource;
} ossenc_sse_request_info;

// Done.
#define OSSENC_OK 0

// From `ossenc_op_step`: make the call that is asked for, and step with its answer.
#define OSSENC_ASK 1

// From `ossenc_op_step`: another operation makes the call; step again after the wake.
#define OSSENC_WAIT 2

// An argument is outside what the function allows: a NULL handle, partly overlapping buffers, a malformed id.
#define OSSENC_E_ARG (-1)

// The call does not fit the state of the handle: a sealer that has finished, a version that cannot be promoted.
#define OSSENC_E_STATE (-2)

// The output is too small; its `n` says what is needed. Nothing was written.
#define OSSENC_E_BUFFER (-3)

// The system gave no memory for a key.
#define OSSENC_E_NOMEM (-4)

// This ticket was spent already.
#define OSSENC_E_USED (-6)

// The entropy source failed. Nothing was sealed.
#define OSSENC_E_NOENTROPY (-5)

// This process is a forked child, and the key is its parent's: it was wiped here. Nothing was spent, sealed or opened.
// The handle must only be freed.
#define OSSENC_E_FORKED (-7)

// The known-answer test of AES-256-GCM failed on this machine.
#define OSSENC_E_SELFTEST (-8)

// The file system refused; `error.code` is the errno.
#define OSSENC_E_IO (-9)

// Stored bytes are not well-formed.
#define OSSENC_E_FORMAT (-10)

// Stored bytes are of a format version, suite, shape, method, kind or layout that this library does not open.
#define OSSENC_E_TOONEW (-11)

// Well-formed, but not what the caller allows.
#define OSSENC_E_EXPECT (-12)

// Another writer was first; `error.offset` is the generation found. Load, change and try again.
#define OSSENC_E_CONFLICT (-13)

// `ossenc_config.require_mlock` is set, and memory for a key cannot be locked: `RLIMIT_MEMLOCK` is used up, or the
// system has no `mlock`.
#define OSSENC_E_MLOCK (-14)

// Wrong key, wrong context, or an envelope or head that belongs elsewhere or is damaged: from an opening operation it
// is about the envelope, from `ossenc_opener_new` about the body's head, from `ossenc_keystore_load` about the root
// key.
#define OSSENC_E_COMMIT (-20)

// A chunk is damaged, swapped or moved; `error.offset` is the plaintext offset at which it begins.
#define OSSENC_E_CHUNK (-21)

// The stored length cannot be that of a whole object, or is not the trusted one.
#define OSSENC_E_TRUNCATED (-22)

// A manifest verified, but its content breaks its rules.
#define OSSENC_E_MANIFEST (-23)

// The keystore has no such key or version: it may be stale. Load the newest and try again.
#define OSSENC_E_NOVERSION (-30)

// The key or version is there, but its state forbids the use.
#define OSSENC_E_KEYSTATE (-31)

// The key service forbids this.
#define OSSENC_E_DENIED (-32)

// The key service failed, or gave an answer that makes no sense; `error.code` is its own code.
#define OSSENC_E_KMS (-33)

// The key service is throttled or away: `error.offset` says after how many milliseconds to try again; before, nobody
// is asked.
#define OSSENC_E_KMS_RETRY (-34)

// The key that the envelope needs is not at hand: a customer's key that was not given.
#define OSSENC_E_KEYABSENT (-35)

// The operation's time is up.
#define OSSENC_E_TIMEOUT (-36)

// A defect of the library. The handles of the call must only be freed.
#define OSSENC_E_PANIC (-90)

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// A sentence for a status: never NULL, static, for any value.
const char *ossenc_strerror(ossenc_status status);

// Sets the library up: chooses the AES-256-GCM code for this CPU and runs its known-answer test, and probes the
// entropy source. `config` may be NULL. `OSSENC_E_SELFTEST`, `OSSENC_E_NOENTROPY`; `OSSENC_E_MLOCK` if `require_mlock`
// is set and cannot be had. Costs microseconds; one handle for the process is enough. Free with `ossenc_lib_free`.
ossenc_status ossenc_lib_new(const struct ossenc_config *config, struct ossenc_lib **lib, struct ossenc_error *error);

// Frees the library handle. NULL is legal. Handles made from it stay valid.
void ossenc_lib_free(struct ossenc_lib *lib);

// The version of the library that is linked: major x 1,000,000 + minor x 1,000 + patch. Compare with
// `OSSENC_VERSION_NUMBER` of the header.
uint32_t ossenc_version_number(void);

// The version of the library that is linked, as text; static.
const char *ossenc_version_string(void);

// Makes the image of a keystore without keys, generation 1, sealed under the 32 bytes of `root_key`. `root_key_id`
// names the root key in clear: 1 to 255 characters of 0x21 to 0x7e.
ossenc_status ossenc_keystore_init(const struct ossenc_lib *lib,
                                   struct ossenc_in root_key_id,
                                   struct ossenc_in root_key,
                                   struct ossenc_out *image,
                                   struct ossenc_error *error);

// Opens an image under the 32 bytes of `root_key`. `min_generation` is the newest generation that the caller has seen:
// an older image is refused with `OSSENC_E_EXPECT`. `OSSENC_E_COMMIT` is a wrong root key. Free with
// `ossenc_keystore_free`.
ossenc_status ossenc_keystore_load(const struct ossenc_lib *lib,
                                   struct ossenc_in image,
                                   struct ossenc_in root_key,
                                   uint64_t min_generation,
                                   const struct ossenc_keystore **keystore,
                                   struct ossenc_error *error);

// Makes the image of the next generation under another root key, with the same master keys: 32 bytes, named by
// `root_key_id` as in `ossenc_keystore_init`. The old image opens with the old root key as before.
ossenc_status ossenc_keystore_reseal(const struct ossenc_keystore *keystore,
                                     struct ossenc_in root_key_id,
                                     struct ossenc_in root_key,
                                     struct ossenc_out *image,
                                     struct ossenc_error *error);

// As `ossenc_keystore_init`, under a root key that is derived from a passphrase: any bytes, not empty. `root_key_id`
// names the passphrase. `OSSENC_E_STATE` without the memory that the cost asks for.
ossenc_status ossenc_keystore_init_passphrase(const struct ossenc_lib *lib,
                                              struct ossenc_in root_key_id,
                                              struct ossenc_in passphrase,
                                              const struct ossenc_passphrase_cost *cost,
                                              struct ossenc_out *image,
                                              struct ossenc_error *error);

// As `ossenc_keystore_load`, of an image that is under a passphrase; `OSSENC_E_COMMIT` is a wrong one, `OSSENC_E_ARG`
// an image that is not under any. Takes the time and the memory that the image says, within the limits of
// `ossenc_passphrase_cost`.
ossenc_status ossenc_keystore_load_passphrase(const struct ossenc_lib *lib,
                                              struct ossenc_in image,
                                              struct ossenc_in passphrase,
                                              uint64_t min_generation,
                                              const struct ossenc_keystore **keystore,
                                              struct ossenc_error *error);

// As `ossenc_keystore_reseal`, under a root key that is derived from a passphrase.
ossenc_status ossenc_keystore_reseal_passphrase(const struct ossenc_keystore *keystore,
                                                struct ossenc_in root_key_id,
                                                struct ossenc_in passphrase,
                                                const struct ossenc_passphrase_cost *cost,
                                                struct ossenc_out *image,
                                                struct ossenc_error *error);

// Replaces the image in the file `path` (terminated), if the one there has generation `if_generation` (0: if there is
// no file), by `image`, which must be the next generation of the same keystore.
//
// Takes a lock on `<path>.lock`, writes `<path>.tmp` with mode 0600, syncs it, renames it, and syncs the folder. The
// replaced image is kept as `<path>.previous`, with what the change removed: delete it when that has to be gone. When
// this returns `OSSENC_OK` the image is durable, and at any moment of a crash the file is the old or the new image,
// whole. `OSSENC_E_CONFLICT` tells that another writer was first, `OSSENC_E_ARG` an image that is not the next
// generation or of another keystore. Blocks while another writer is at work.
ossenc_status ossenc_keystore_swap_file(const char *path,
                                        uint64_t if_generation,
                                        struct ossenc_in image,
                                        struct ossenc_error *error);

// Reads what an image says in clear, without its root key: not authentic.
ossenc_status ossenc_keystore_read(struct ossenc_in image, struct ossenc_keystore_info *info);

// The generation; 0 for NULL.
uint64_t ossenc_keystore_generation(const struct ossenc_keystore *keystore);

// How many master keys there are; 0 for NULL.
size_t ossenc_keystore_keys(const struct ossenc_keystore *keystore);

// Lists the ids of the keys for which something is due at `wall_s`, seconds since 1970, now or in the future: each
// terminated, one after the other. The key ids take no bytes if there are none.
ossenc_status ossenc_keystore_due(const struct ossenc_keystore *keystore,
                                  uint32_t what,
                                  int64_t wall_s,
                                  struct ossenc_out *key_ids);

// Finds the index of the master key with that id or alias. `OSSENC_E_NOVERSION` if there is none.
ossenc_status ossenc_keystore_find(const struct ossenc_keystore *keystore, struct ossenc_in id_or_alias, size_t *index);

// Describes the master key of that index, counted from 0, sorted by id.
ossenc_status ossenc_keystore_key(const struct ossenc_keystore *keystore, size_t index, struct ossenc_key_info *info);

// Describes a version of a master key, both by index, counted from 0, in the order of the versions' numbers.
ossenc_status ossenc_keystore_version(const struct ossenc_keystore *keystore,
                                      size_t key,
                                      size_t index,
                                      struct ossenc_version_info *info);

// An alias of a master key, both by index, counted from 0; borrowed from the keystore.
ossenc_status ossenc_keystore_alias(const struct ossenc_keystore *keystore,
                                    size_t key,
                                    size_t index,
                                    struct ossenc_in *alias);

// Frees a keystore. NULL is legal. Keyrings to which it was published keep what they need.
void ossenc_keystore_free(const struct ossenc_keystore *keystore);

// Makes the image of the next generation, with one change. The snapshot stays as it is: store the image by
// compare-and-swap on the generation (`ossenc_keystore_swap_file`, etcd, RADOS), load it, and publish it. Stage on
// every node before promoting on any.
//
// `OSSENC_E_STATE` and `OSSENC_E_KEYSTATE` are changes that the state of the key or the version forbids (the error's
// text says why), `OSSENC_E_NOVERSION` a key or version that is not there, `OSSENC_E_ARG` a field that is malformed, out
// of its limits, missing, or not taken by the change.
ossenc_status ossenc_keystore_apply(const struct ossenc_keystore *keystore,
                                    const struct ossenc_change *change,
                                    struct ossenc_out *image,
                                    struct ossenc_error *error);

// Makes a keyring without a keystore. `limits` may be NULL: all defaults. Free with `ossenc_keyring_free`.
ossenc_status ossenc_keyring_new(const struct ossenc_lib *lib,
                                 const struct ossenc_limits *limits,
                                 struct ossenc_keyring **keyring);

// Makes `keystore` the one that operations use from their next step on. An older
// generation of the published keystore is refused with `OSSENC_E_EXPECT`. The caller may free its handle afterwards.
ossenc_status ossenc_keyring_publish(const struct ossenc_keyring *keyring, const struct ossenc_keystore *keystore);

// Drops the keys and the failures that are kept of the master key `key_id`, as envelopes name it; of all, if it is empty.
// What is being asked for meanwhile serves its operation, and is not kept. Bucket keys go with their master key.
ossenc_status ossenc_keyring_evict(const struct ossenc_keyring *keyring,
                                   struct ossenc_in key_id);

// Asks again for a key that was used after its soft lifetime: the one that is due longest. `*op` is NULL if none is.
// The operation gives nothing; run or step it as any other, at leisure, for the key is served meanwhile. A key that the
// service no longer unwraps is dropped at once. `waiter`: as for `ossenc_object_open`. Free with `ossenc_op_free`.
ossenc_status ossenc_keyring_refresh(const struct ossenc_keyring *keyring, void *waiter, struct ossenc_op **op);

// Writes the keyring's counters as Prometheus text, version 0.0.4. They go on counting: room for some more than was
// needed a moment ago is well spent.
ossenc_status ossenc_stats(const struct ossenc_keyring *keyring, struct ossenc_out *text);

// Frees a keyring. NULL is legal. Objects opened through it stay open.
void ossenc_keyring_free(struct ossenc_keyring *keyring);

// Takes an operation as far as it goes without waiting: it never blocks.
//
// `OSSENC_OK`: it has ended, what it made is there. `OSSENC_ASK`: make the call in `ask`, and step with its answer;
// stepping without one (NULL) gives the same ask again. `OSSENC_WAIT`: another operation makes that call; step again
// after the wake, or after `ask->timeout_ns`. An error has ended the operation, and is told once (`OSSENC_E_STATE`
// later): `OSSENC_E_DENIED`, `OSSENC_E_KMS`, `OSSENC_E_KMS_RETRY`, `OSSENC_E_TIMEOUT`, or what `ossenc_object_create`,
// `ossenc_object_open` and `ossenc_rewrap` document. Only `OSSENC_E_ARG` for an answer that is malformed, or to another
// ask than the open one, changes nothing.
//
// `answer` and `ask` may be NULL. With local keys the first step ends the operation.
ossenc_status ossenc_op_step(struct ossenc_op *op,
                             const struct ossenc_answer *answer,
                             struct ossenc_ask *ask,
                             struct ossenc_error *error);

// From now on the operation neither asks nor waits for longer than `timeout_ns` nanoseconds: a step after them ends in
// `OSSENC_E_TIMEOUT`, unless it ends the operation anyway. Without this a stepped operation has no limit.
ossenc_status ossenc_op_set_timeout(struct ossenc_op *op, uint64_t timeout_ns);

// Takes an operation to its end on this thread, blocking where it must, for at most `timeout_ns` nanoseconds (0: without
// limit). Its calls are made by `provider->call`, with `user`; a key that another thread is asking for in the same way
// is waited for. `provider` may be NULL for an operation that needs no call; one that does then fails with
// `OSSENC_E_KMS`. Statuses as of `ossenc_op_step`, but neither `OSSENC_ASK` nor `OSSENC_WAIT`.
ossenc_status ossenc_op_run(struct ossenc_op *op,
                            const struct ossenc_provider *provider,
                            void *user,
                            uint64_t timeout_ns,
                            struct ossenc_error *error);

// Gives the open object of an operation that ended well: a handle of its own at each call, to be freed with
// `ossenc_object_free`. A rewrap and a refresh have none (`OSSENC_E_STATE`).
ossenc_status ossenc_op_object(struct ossenc_op *op, const struct ossenc_object **object);

// Gives the new envelope of a creation or a rewrap that ended well. Others have none (`OSSENC_E_STATE`).
ossenc_status ossenc_op_envelope(struct ossenc_op *op, struct ossenc_out *envelope);

// Frees an operation, which cancels it if it has not ended: an answer that is on its way is then nobody's. When this
// returns no wake for it comes any more. NULL is legal. What it gave stays valid.
void ossenc_op_free(struct ossenc_op *op);

// Makes an object with a fresh data key, wrapped as `choice` says. The operation gives the envelope, to be stored with
// the object, and the object itself. `segmented` is 0 for a single message, 1 for segments under a manifest: multipart
// uploads, appends. `waiter` is the caller's: `ossenc_config.wake` gets it when the operation shall be stepped again.
//
// The operation ends in `OSSENC_E_STATE` if nothing was published to the keyring, `OSSENC_E_NOVERSION` for a key that
// the keystore does not have, `OSSENC_E_KEYSTATE` for one that may not wrap, `OSSENC_E_ARG` for a context outside its
// limits. Remote keys and bucket keys may make it ask: see `ossenc_op_step`.
ossenc_status ossenc_object_create(const struct ossenc_keyring *keyring,
                                   const struct ossenc_choice *choice,
                                   const struct ossenc_context *context,
                                   int32_t segmented,
                                   void *waiter,
                                   struct ossenc_op **op);

// Opens an envelope. The operation gives the object, or ends in `OSSENC_E_STATE` if nothing was published to the
// keyring, `OSSENC_E_FORMAT`, `OSSENC_E_TOONEW` for the bytes, `OSSENC_E_EXPECT` for what `expect` does not allow;
// then, if no slot opens, the first that applies of `OSSENC_E_COMMIT` (wrong context, or an envelope that belongs
// elsewhere or is damaged), `OSSENC_E_KEYSTATE`, `OSSENC_E_NOVERSION`, `OSSENC_E_KEYABSENT`, `OSSENC_E_TOONEW`.
// An envelope under a key that is not at hand makes it ask: see `ossenc_op_step`. `waiter`: as for
// `ossenc_object_create`.
ossenc_status ossenc_object_open(const struct ossenc_keyring *keyring,
                                 struct ossenc_in envelope,
                                 const struct ossenc_context *context,
                                 const struct ossenc_expect *expect,
                                 void *waiter,
                                 struct ossenc_op **op);

// Makes a new envelope for the same object, in constant time: after a rotation (`to` NULL: the same key, at its
// primary version), for another master key or method (`to`), or for another name (`new_context`; NULL: the same). With
// `keep_slots` the slots of other master keys stay, which is possible only in the same place and with the same method.
// The operation gives the envelope. `waiter`: as for `ossenc_object_create`.
//
// The operation fails as `ossenc_object_open` does for the old envelope, and as `ossenc_object_create` for the new
// one.
ossenc_status ossenc_rewrap(const struct ossenc_keyring *keyring,
                            struct ossenc_in envelope,
                            const struct ossenc_context *context,
                            const struct ossenc_expect *expect,
                            const struct ossenc_choice *to,
                            const struct ossenc_context *new_context,
                            int32_t keep_slots,
                            void *waiter,
                            struct ossenc_op **op);

// Says whether an envelope lags behind the published keystore: `OSSENC_REWRAP_...`, added up; 0 for no. Opens nothing.
// `OSSENC_E_STATE` if nothing was published to the keyring.
ossenc_status ossenc_needs_rewrap(const struct ossenc_keyring *keyring, struct ossenc_in envelope, uint32_t *reasons);

// Reads what an envelope says in clear: not authentic. Needs no key.
ossenc_status ossenc_envelope_read(struct ossenc_in envelope, struct ossenc_info *info);

// Frees an object. NULL is legal. Its sealers and openers stay valid.
void ossenc_object_free(const struct ossenc_object *object);

// Seals at most `OSSENC_DIRECT_MAX` bytes under a master key, named by its id or an alias, and tied to `n` pairs in any
// order: each key once, none beginning `ossenc:`, at most 8,192 bytes encoded.
//
// `OSSENC_E_NOVERSION` is a key that the published keystore does not have, `OSSENC_E_KEYSTATE` one that may not wrap,
// `OSSENC_E_STATE` a keyring without a keystore.
ossenc_status ossenc_direct_encrypt(const struct ossenc_keyring *keyring,
                                    struct ossenc_in key_id,
                                    const struct ossenc_pair *pairs,
                                    size_t n,
                                    struct ossenc_in plain,
                                    struct ossenc_out *blob,
                                    struct ossenc_error *error);

// Opens a blob that was sealed with these pairs, if its master key is one of the `allowed` ids in `key_ids`: none
// allows nothing (`OSSENC_E_EXPECT`).
//
// `OSSENC_E_COMMIT` is another context or a changed blob, `OSSENC_E_CHUNK` damaged data. With too little room nothing
// is opened: the size that is asked for is not authentic.
ossenc_status ossenc_direct_decrypt(const struct ossenc_keyring *keyring,
                                    struct ossenc_in blob,
                                    const struct ossenc_pair *pairs,
                                    size_t n,
                                    const struct ossenc_in *key_ids,
                                    size_t allowed,
                                    struct ossenc_out *plain,
                                    struct ossenc_error *error);

// Opens a blob as `ossenc_direct_decrypt` does, and seals its plaintext under the master key `to` with the pairs
// `to_pairs`, as `ossenc_direct_encrypt` does. The plaintext is not given out.
ossenc_status ossenc_direct_reencrypt(const struct ossenc_keyring *keyring,
                                      struct ossenc_in blob,
                                      const struct ossenc_pair *pairs,
                                      size_t n,
                                      const struct ossenc_in *key_ids,
                                      size_t allowed,
                                      struct ossenc_in to,
                                      const struct ossenc_pair *to_pairs,
                                      size_t to_n,
                                      struct ossenc_out *new_blob,
                                      struct ossenc_error *error);

// How many bytes the body takes, and how many lie aside (DETACHED: head and tags), for a plaintext of `plain` bytes.
// `body` and `side` may be NULL.
ossenc_status ossenc_layout_size(uint32_t layout, uint64_t plain, uint64_t *body, uint64_t *side);

// Begins a segment of `object`: part 0 of a single-segment object, parts from 1 up of a segmented one. Free with
// `ossenc_sealer_free`. Sealing a part again makes another message; the caller decides which one it keeps.
//
// With `max_tickets` 0 the sealer is a stream, for `ossenc_seal_next`. Else it gives up to so many tickets of
// `chunks_per_ticket` chunks each, for `ossenc_seal_reserve`; at most 2^24 tickets, and for PAGED a multiple of 256
// chunks in each.
ossenc_status ossenc_sealer_new(const struct ossenc_object *object,
                                uint32_t part,
                                uint32_t layout,
                                uint32_t max_tickets,
                                uint32_t chunks_per_ticket,
                                struct ossenc_sealer **sealer,
                                struct ossenc_error *error);

// Seals whole chunks of a stream: as many as the source holds and there is room for, after the head if that was not
// written yet (INLINE to `dst`, DETACHED to `side`). Nothing is kept back: what is left of the source (at least the
// last partial chunk) the caller gives again, to the next call or to `ossenc_seal_finish`.
//
// `src` and `dst` may be scattered. They may be the same memory where the same plaintext and ciphertext lie, tags and
// pages being elsewhere; any other overlap is `OSSENC_E_ARG`. `side` takes the tags of DETACHED, from its start, and
// its `n` is set; it is NULL or empty for the other layouts. `consumed` and `written` are set in any case: both 0 with
// `OSSENC_OK` says that the source holds no further whole chunk, or that there is no room for one. Pieces that share
// memory begin at the same byte, and neither goes past its chunk's bytes into a tag or a page. The lists are meant to
// be short: checking them takes the product of their lengths. No allocation, lock or system call.
ossenc_status ossenc_seal_next(struct ossenc_sealer *sealer,
                               const struct ossenc_iov *src,
                               size_t ns,
                               const struct ossenc_iov *dst,
                               size_t nd,
                               struct ossenc_out *side,
                               size_t *consumed,
                               size_t *written);

// Gives the next ticket of a sealer that was made for tickets. `OSSENC_E_STATE` when all are reserved. No allocation,
// lock or system call.
ossenc_status ossenc_seal_reserve(const struct ossenc_sealer *sealer, struct ossenc_ticket *ticket);

// Seals the chunks of a ticket: exactly `ticket->plain` bytes of `src` into `ticket->body` bytes of `dst`, and
// `ticket->side` bytes of `side` (DETACHED; else NULL). Any number of threads at once, in any order. What may overlap
// is said at `ossenc_seal_next`.
//
// A ticket is spent before any keystream: a second use is `OSSENC_E_USED`. A forged, changed or foreign one, or a
// source of another length, is `OSSENC_E_ARG`, and too little room `OSSENC_E_BUFFER`: nothing is spent or written
// then. No allocation, lock or system call.
ossenc_status ossenc_seal_run(const struct ossenc_sealer *sealer,
                              const struct ossenc_ticket *ticket,
                              const struct ossenc_iov *src,
                              size_t ns,
                              const struct ossenc_iov *dst,
                              size_t nd,
                              struct ossenc_out *side);

// Seals all that is left, of any length, into `body` and `side` (DETACHED; else NULL), and ends the segment. With too
// little room the sealer stays as it was, and both `n` say what is needed. `receipt` may be NULL.
//
// With tickets, all that were reserved must be done (`OSSENC_E_STATE`); what is written belongs behind the last of
// them, at `receipt->body - body->n` (and tags at the end of what lies aside), and the head, which is in the receipt,
// to where the layout has it.
ossenc_status ossenc_seal_finish(struct ossenc_sealer *sealer,
                                 const struct ossenc_iov *tail,
                                 size_t nt,
                                 struct ossenc_out *body,
                                 struct ossenc_out *side,
                                 struct ossenc_receipt *receipt);

// Seals a whole segment at once. `src`, `body` and `side` are apart. See `ossenc_layout_size` for the room it takes,
// and `ossenc_sealer_new` for `part`. `side` may be NULL but for DETACHED; `receipt` may be NULL.
ossenc_status ossenc_seal(const struct ossenc_object *object,
                          uint32_t part,
                          uint32_t layout,
                          struct ossenc_in src,
                          struct ossenc_out *body,
                          struct ossenc_out *side,
                          struct ossenc_receipt *receipt);

// Frees a sealer. NULL is legal. Before `ossenc_seal_finish`, what it sealed is no whole segment.
void ossenc_sealer_free(struct ossenc_sealer *sealer);

// The map of a single-segment object whose body takes `body` bytes.
//
// `plain` is the length of the plaintext, if the caller knows it from a place that it trusts (PAGED needs it); a body
// that does not go with it is `OSSENC_E_TRUNCATED`. With `OSSENC_UNKNOWN`, every answer that depends on the length
// opens the last chunk too. `head` is the segment's 56 bytes, needed for `ossenc_opener_new`, and for `ossenc_open` of
// PAGED; else it may be empty. Free with `ossenc_map_free`.
ossenc_status ossenc_map_single(uint32_t layout,
                                uint64_t body,
                                uint64_t plain,
                                struct ossenc_in head,
                                struct ossenc_map **map);

// Opens a manifest of `object`, and maps its segments. `min_generation` is the newest generation that the caller has
// seen: an older one is `OSSENC_E_EXPECT`. `layouts` has one layout for all segments (`n` 1), or one for each. Free
// with `ossenc_map_free`.
ossenc_status ossenc_map_open(const struct ossenc_object *object,
                              struct ossenc_in manifest,
                              uint64_t min_generation,
                              const uint8_t *layouts,
                              size_t n,
                              struct ossenc_map **map,
                              struct ossenc_error *error);

// Length of the plaintext: as trusted, or as the manifest says; or as the body's length says, which is proved when an
// extent with `last` opens. 0 for NULL.
uint64_t ossenc_map_plain(const struct ossenc_map *map);

// The manifest's generation, to be pinned in the caller's own index: detecting a rollback is the caller's. 0 for a
// single-segment object, or NULL.
uint64_t ossenc_map_generation(const struct ossenc_map *map);

// How many segments there are. 0 for NULL.
size_t ossenc_map_segments(const struct ossenc_map *map);

// Describes a segment, by index from 0.
ossenc_status ossenc_map_segment(const struct ossenc_map *map, size_t index, struct ossenc_segment *segment);

// Frees a map. NULL is legal. Openers made with it stay valid.
void ossenc_map_free(struct ossenc_map *map);

// Encodes a receipt into the 104 bytes (`OSSENC_RECEIPT`) that a daemon stores in its part records.
ossenc_status ossenc_receipt_encode(const struct ossenc_receipt *receipt, struct ossenc_out *encoded);

// Decodes what `ossenc_receipt_encode` made. `OSSENC_E_FORMAT` for anything else: it carries a checksum.
ossenc_status ossenc_receipt_decode(struct ossenc_in encoded, struct ossenc_receipt *receipt);

// The CRC-64 (OSS's ECMA) of two pieces of plaintext in a row, from that of each and the length of the second: so the
// checksum of a multipart object comes from those of its parts. The CRC-64 of nothing is 0.
uint64_t ossenc_crc64_combine(uint64_t first, uint64_t second, uint64_t second_len);

// Seals the manifest of a segmented object: the receipts that count, parts strictly increasing from 1 on, at most
// 2^20. `n` 0 makes an empty object. `generation` counts from 1; store the manifest by compare-and-swap on it.
ossenc_status ossenc_manifest_seal(const struct ossenc_object *object,
                                   uint64_t generation,
                                   const struct ossenc_receipt *receipts,
                                   size_t n,
                                   struct ossenc_out *manifest);

// Seals the manifest of the next generation, with further segments behind those of `old`. With `replace_last`, the
// first receipt takes the place of the last segment, whose bytes it must hold together with the new ones: so small
// appends do not make the manifest grow without bound.
ossenc_status ossenc_manifest_append(const struct ossenc_object *object,
                                     struct ossenc_in old,
                                     const struct ossenc_receipt *receipts,
                                     size_t n,
                                     int32_t replace_last,
                                     struct ossenc_out *manifest);

// Seals a small value for this object under a name: an ETag, a content type. A digest of plaintext in clear would
// betray small objects. The name has 1 to 255 bytes and does not begin `ossenc:`; the value at most 65,535; it grows
// by 72 bytes and 16 for every 16,384.
ossenc_status ossenc_attr_seal(const struct ossenc_object *object,
                               struct ossenc_in name,
                               struct ossenc_in plain,
                               struct ossenc_out *sealed);

// Opens a value that was sealed under this name. `OSSENC_E_COMMIT` for another name or object.
ossenc_status ossenc_attr_open(const struct ossenc_object *object,
                               struct ossenc_in name,
                               struct ossenc_in sealed,
                               struct ossenc_out *plain);

// Seals the record of a multipart upload that begins (81 bytes), to be kept with the upload's state.
ossenc_status ossenc_upload_begin(const struct ossenc_object *object, struct ossenc_out *record);

// Checks an upload's record before each part is sealed: `OSSENC_E_COMMIT` says that `object` is not the one that the
// upload began with, so somebody has swapped its envelope. `began_at` (NULL, or set to seconds since 1970) is when it
// began.
ossenc_status ossenc_upload_check(const struct ossenc_object *object, struct ossenc_in record, int64_t *began_at);

// Plans the read of `len` plaintext bytes from `off`: the stored bytes to read, in up to `cap` extents, of which `n`
// are set. Pure arithmetic, needs no key; no allocation. A range that goes past the end is cut there; one that begins
// there takes nothing. For an open-ended range pass `UINT64_MAX` for `len`; for a suffix of k bytes, `off` =
// `ossenc_map_plain` - k.
//
// Reads are rounded out to multiples of `align` (a power of two, or 0) within what they read. Without a trusted
// length, a range that reaches or passes the end brings the last chunk along, perhaps as an extent that gives no
// bytes: open every extent before you answer, a refusal of the range too. When not all extents fit, `next` is the
// offset from which to plan on; else it is `off + len`. With `cap` 0, and an extent needed, it is `OSSENC_E_BUFFER`
// with `n` 1.
//
// For fixed buffers: an extent's `body` is at most (len / OSSENC_CHUNK + 2) x OSSENC_STORED_CHUNK + 2 x align. To
// prove the length first, plan 0 bytes at the end, open the extent, and make the map anew with that length as a
// trusted one.
ossenc_status ossenc_plan(const struct ossenc_map *map,
                          uint64_t off,
                          uint64_t len,
                          uint32_t align,
                          struct ossenc_extent *extents,
                          size_t cap,
                          size_t *n,
                          uint64_t *next);

// Checks that the head of a segment belongs to `object` (`OSSENC_E_COMMIT`), and opens its chunks. `segment` is its
// index in the map. Free with `ossenc_opener_free`.
ossenc_status ossenc_opener_new(const struct ossenc_object *object,
                                const struct ossenc_map *map,
                                uint32_t segment,
                                struct ossenc_opener **opener,
                                struct ossenc_error *error);

// Verifies every chunk of an extent and writes exactly `take` bytes of plaintext to `dst`; with `nd` 0, none: a scrub.
// `src` is what was read at `body_off`, scattered or not; `side` what was read at `side_off`, empty for INLINE.
//
// `OSSENC_E_CHUNK` tells the first damaged chunk in `error.offset`, as the plaintext offset in the segment: chunks
// before it are released, its own bytes are wiped. `src` and `dst` may be the same memory where the same ciphertext
// and plaintext lie; any other overlap is `OSSENC_E_ARG`: pieces that share memory begin at the same byte, and neither
// goes past its chunk's bytes into a tag; after `OSSENC_E_CHUNK` in place, the chunk's ciphertext is wiped, too.
// `OSSENC_E_BUFFER` tells that `dst` is shorter than `take`. Idempotent, unless in place. No allocation, lock or
// system call.
ossenc_status ossenc_open_extent(const struct ossenc_opener *opener,
                                 const struct ossenc_extent *extent,
                                 const struct ossenc_iov *src,
                                 size_t ns,
                                 struct ossenc_in side,
                                 const struct ossenc_iov *dst,
                                 size_t nd,
                                 struct ossenc_error *error);

// Opens a whole single-segment object at once into `plain`. `body`, `side` (DETACHED) and `plain` are apart. On
// failure `plain` holds nothing unauthenticated, and its `n` is 0, or what is needed.
ossenc_status ossenc_open(const struct ossenc_object *object,
                          const struct ossenc_map *map,
                          struct ossenc_in body,
                          struct ossenc_in side,
                          struct ossenc_out *plain,
                          struct ossenc_error *error);

// Frees an opener. NULL is legal.
void ossenc_opener_free(struct ossenc_opener *opener);

// Begins with the segment's first 56 bytes, and checks that they belong to this part of `object` (`OSSENC_E_COMMIT`).
// Free with `ossenc_stream_free`.
ossenc_status ossenc_stream_new(const struct ossenc_object *object,
                                uint32_t part,
                                struct ossenc_in head,
                                struct ossenc_stream **stream,
                                struct ossenc_error *error);

// Opens as many whole stored chunks (`OSSENC_STORED_CHUNK`) as `sealed` holds and `plain` has room for; what is left
// the caller gives again, with more behind it. Every byte given is authentic, but whether the object is whole only
// `ossenc_stream_finish` says. After a damaged chunk (`OSSENC_E_CHUNK`) the stream is at an end. `sealed` and `plain`
// are apart. No allocation, lock or system call.
ossenc_status ossenc_stream_next(struct ossenc_stream *stream,
                                 struct ossenc_in sealed,
                                 struct ossenc_out *plain,
                                 size_t *consumed,
                                 struct ossenc_error *error);

// Opens what is left when the source has ended: fewer bytes than a whole stored chunk. `OSSENC_OK` says that the
// object is whole; `OSSENC_E_TRUNCATED` that it is not.
ossenc_status ossenc_stream_finish(struct ossenc_stream *stream,
                                   struct ossenc_in sealed,
                                   struct ossenc_out *plain,
                                   struct ossenc_error *error);

// Frees a stream. NULL is legal.
void ossenc_stream_free(struct ossenc_stream *stream);

// How many groups a segment of `plain` bytes has: at least one.
uint64_t ossenc_layout_groups(uint64_t plain);

// Where group `index` of a segment of `plain` bytes lies in a layout. Pure arithmetic.
ossenc_status ossenc_layout_group(uint32_t layout, uint64_t plain, uint64_t index, struct ossenc_group *place);

// Moves one group of a segment of `plain` bytes from the layout `from` to the layout `to`. Inputs are what
// `ossenc_layout_group` says for `from`, outputs take what it says for `to`; all are apart. `head` is the segment's,
// from its receipt. Needs no key, and checks none: verify afterwards.
ossenc_status ossenc_layout_convert(uint64_t plain,
                                    uint64_t index,
                                    struct ossenc_in head,
                                    uint32_t from,
                                    struct ossenc_in from_body,
                                    struct ossenc_in from_side,
                                    uint32_t to,
                                    struct ossenc_out *to_body,
                                    struct ossenc_out *to_side);

// Makes a census with nothing counted. Free with `ossenc_census_free`.
ossenc_status ossenc_census_new(const struct ossenc_lib *lib, struct ossenc_census **census);

// Counts the slots of an envelope, which is not opened: nothing in a census is authentic. `OSSENC_E_FORMAT`,
// `OSSENC_E_TOONEW` for an envelope that does not parse; `OSSENC_E_STATE` when there would be more than 1,048,576
// versions of keys. The census is then as it was.
ossenc_status ossenc_census_add(struct ossenc_census *census, struct ossenc_in envelope);

// Adds the counts of another census, encoded: of another shard. Merging the same twice counts it twice.
// `OSSENC_E_FORMAT` for bytes that are no census or damaged, `OSSENC_E_TOONEW` for a later one, `OSSENC_E_STATE` as
// `ossenc_census_add`. The census is then as it was.
ossenc_status ossenc_census_merge(struct ossenc_census *census, struct ossenc_in encoded);

// Gives the bytes to be stored, or sent to where shards are merged. Equal censuses have equal bytes.
ossenc_status ossenc_census_encode(const struct ossenc_census *census, struct ossenc_out *encoded);

// Says how many slots are under `version` of the key `key_id`, of whatever kind they are and whichever service has the
// key; 0 if none is. With 0 in all shards the version can be retired, if no envelope was left out.
ossenc_status ossenc_census_count(const struct ossenc_census *census,
                                  struct ossenc_in key_id,
                                  struct ossenc_in version,
                                  uint64_t *n);

// How many envelopes were counted; 0 for NULL.
uint64_t ossenc_census_envelopes(const struct ossenc_census *census);

// How many entries `ossenc_census_entry` lists; 0 for NULL.
size_t ossenc_census_entries(const struct ossenc_census *census);

// Describes the entry of that index, counted from 0, sorted by kind, provider, key id and version.
ossenc_status ossenc_census_entry(const struct ossenc_census *census,
                                  size_t index,
                                  struct ossenc_census_entry_info *info);

// Frees a census. NULL is legal.
void ossenc_census_free(struct ossenc_census *census);

// Decides what a request means: the object's header before the bucket's rule before nothing. Free the result with
// `ossenc_sse_resolved_free`.
//
// A request that is refused is `OSSENC_E_EXPECT`, and `error` says how to answer it; whatever else is returned is about
// the caller's arguments, with `error->http` 0. Needs no key, and does not ask whether keys exist: a rule may name one
// that does not, and the upload fails when its object is created (`ossenc_sse_failure`). OSS's SM4 is not built: as an
// algorithm it is 400 InvalidEncryptionAlgorithmError, as data encryption with KMS 400
// InvalidDataEncryptionAlgorithmError, and ignored elsewhere, as clients expect. SSE-C belongs on encrypted
// connections: whether this is one the caller checks. Any thread.
ossenc_status ossenc_sse_resolve(const struct ossenc_sse_request *request,
                                 const struct ossenc_sse_resolved **resolved,
                                 struct ossenc_sse_error *error);

// Reads a decision. What it points to is borrowed until `ossenc_sse_resolved_free`. Any thread.
ossenc_status ossenc_sse_resolved_read(const struct ossenc_sse_resolved *resolved,
                                       struct ossenc_sse_decision *decision);

// Frees a decision, and wipes the customer's keys in it. NULL is legal.
void ossenc_sse_resolved_free(const struct ossenc_sse_resolved *resolved);

// Writes the response headers that tell how an object is encrypted: lines `name: value`, each ended by CR LF; nothing
// for what is not encrypted (`recorded` NULL or empty) and for operations that neither make, continue nor read an
// object. `OSSENC_E_FORMAT` and `OSSENC_E_TOONEW` are about the envelope. Pure; any thread.
ossenc_status ossenc_sse_answer(uint32_t dialect,
                                uint32_t operation,
                                const struct ossenc_sse_recorded *recorded,
                                struct ossenc_out *header_lines);

// Reads a rule's document of any client, and writes it anew: as it is to be stored and answered.
//
// `dialect` is that of `document`; `form`, `OSSENC_SSE_RULE_...`, that of the output. An empty `document` means that the
// bucket has no rule: `OSSENC_SSE_RULE_BUCKET_INFO` says so, the others are refused as GetBucketEncryption is. Refusals
// are `OSSENC_E_EXPECT`, with `error` saying how to answer. At most 65,536 bytes of document; its work is bounded,
// whatever it holds. Pure; any thread.
ossenc_status ossenc_sse_rule(uint32_t dialect,
                              struct ossenc_in document,
                              uint32_t form,
                              struct ossenc_out *out,
                              struct ossenc_sse_error *error);

// Says how to answer a request whose object could not be created, opened or rewrapped: fills `error` for `status`.
//
// `method` is that of the object, `key_id` the key or alias that was used, empty for none, and `key` what
// `ossenc_keystore_key` says of that key, which tells `OSSENC_E_KEYSTATE` apart; NULL for a key of a key service, where it
// means that the key is disabled. Of an enabled key whose material was imported it is the material that has expired: what
// helps is to import it again, so it is answered like a key that waits for that. Of the service's own key
// (`OSSENC_METHOD_SSE_OSS`) clients know nothing: a key that is not there or does not serve is 500 for them.
//
// With `OSSENC_METHOD_SSE_C`, `OSSENC_E_COMMIT` means a wrong key, which is the client's fault; with
// `OSSENC_METHOD_SSE_KMS`, `OSSENC_E_STATE` means that there is no key service: a daemon without one passes it. A key
// service that forbids (`OSSENC_E_DENIED`) is 403, one that is away (`OSSENC_E_KMS_RETRY`, `OSSENC_E_TIMEOUT`) 503; what is
// neither the client's nor the key's fault is 500. Returns `OSSENC_OK`, also for a `status` of 0, for which `error->http`
// is 0. Pure; any thread.
ossenc_status ossenc_sse_failure(uint32_t dialect,
                                 ossenc_status status,
                                 uint32_t method,
                                 struct ossenc_in key_id,
                                 const struct ossenc_key_info *key,
                                 struct ossenc_sse_error *error);

// Writes the body of an error's response: the element `<Error>` of the dialect. `code` and `message` are those of an
// `ossenc_sse_error`, or the caller's own for errors that have nothing to do with encryption; any UTF-8, which is
// escaped. With `head`, which is for OSS, it is the base64 of that, for the header `x-oss-err`: the response to a HEAD has
// no body. Pure; any thread.
ossenc_status ossenc_sse_error_body(uint32_t dialect,
                                    struct ossenc_in code,
                                    struct ossenc_in message,
                                    const struct ossenc_sse_request_info *info,
                                    int32_t head,
                                    struct ossenc_out *body);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* OSSENC_H */
