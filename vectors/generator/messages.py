"""messages.json."""

from dataclasses import dataclass

from .cases import invalid, valid
from .primitives.message import CHUNK, HEAD, SEALED_CHUNK, message_parts, plain, seal
from .primitives.randomness import fixed
from .primitives.wire import flip


@dataclass
class Sample:
    """A good message and what it was made of."""

    key: bytes
    context: bytes
    salt: bytes
    plaintext_len: int
    message: bytes

    def fields(self, **other) -> dict:
        return {
            "key": self.key.hex(),
            "context": self.context.hex(),
            "salt": self.salt.hex(),
            "plaintext_len": self.plaintext_len,
            "message": self.message.hex(),
            **other,
        }

    def refused(self, name: str, comment: str, error: str, message: bytes, **other) -> dict:
        """A case of this message after it was damaged."""
        return invalid(name, comment, error, **self.fields(message=message.hex(), **other))

    @property
    def head(self) -> bytes:
        return self.message[:HEAD]

    def chunk(self, index: int) -> bytes:
        return self.message[HEAD + index * SEALED_CHUNK : HEAD + (index + 1) * SEALED_CHUNK]


def sample_message(length: int, label: str = "sample", context: bytes = b"a context") -> Sample:
    rng = fixed(f"messages/{label}/{length}")
    key, salt = rng.draw(32), rng.draw(24)
    return Sample(key, context, salt, length, seal(key, context, salt, plain(length)))


def message_cases() -> list[dict]:
    return (
        valid_messages()
        + damaged_messages()
        + truncated_messages()
        + extended_messages()
        + moved_chunks()
        + misplaced_messages()
        + trusted_lengths()
    )


def valid_messages() -> list[dict]:
    lengths = (0, 1, 15, 16, 16383, 16384, 16385, 32768)
    cases = [
        valid(f"length-{length}", f"{length // CHUNK + 1} chunk(s)", **sample_message(length).fields())
        for length in lengths
    ]
    for name, context in (("empty", b""), ("long", plain(1000))):
        sample = sample_message(16, f"context-{name}", context)
        cases.append(valid(f"context-{name}", f"a context of {len(context)} bytes", **sample.fields()))
    return cases


def damaged_messages() -> list[dict]:
    one, two, three = sample_message(100), sample_message(16385, "two"), sample_message(33000)
    heads = [
        ("salt-first-bit", "the first bit of the salt is flipped", 0, 0x80),
        ("salt-last-bit", "the last bit of the salt is flipped", 23, 1),
        ("commitment-first-bit", "the first bit of the commitment is flipped", 24, 0x80),
        ("commitment-last-bit", "the last bit of the commitment is flipped", 55, 1),
    ]
    cases = [
        one.refused(name, comment, "COMMIT", flip(one.message, position, mask))
        for name, comment, position, mask in heads
    ]
    empty_last = sample_message(CHUNK, "empty-last")
    last = len(empty_last.message) - 1
    chunks = [
        ("only-chunk-first-bit", "the first bit of the only chunk is flipped", one, HEAD, 0x80, 0),
        ("only-chunk-tag", "the last bit of the only tag is flipped", one, len(one.message) - 1, 1, 0),
        ("first-chunk-flipped", "a bit inside chunk 0 of 2", two, HEAD + 9000, 4, 0),
        ("first-chunk-tag", "the first bit of the tag of chunk 0 of 2", two, HEAD + CHUNK, 0x80, 0),
        ("middle-chunk-flipped", "the first bit of chunk 1 of 3", three, HEAD + SEALED_CHUNK, 0x80, 1),
        ("last-chunk-flipped", "a bit of chunk 1 of 2", two, HEAD + SEALED_CHUNK, 16, 1),
        ("empty-chunk-tag", "the tag of an empty last chunk is flipped", empty_last, last, 1, 1),
    ]
    return cases + [
        sample.refused(name, comment, "CHUNK", flip(sample.message, position, mask), chunk=chunk)
        for name, comment, sample, position, mask, chunk in chunks
    ]


def truncated_messages() -> list[dict]:
    one, two, three = sample_message(100), sample_message(16385, "two"), sample_message(33000)
    by_length = [
        ("cut-to-0", "nothing is left", one, 0),
        ("cut-to-1", "one byte of the salt is left", one, 1),
        ("cut-to-55", "the head lacks a byte", one, 55),
        ("cut-to-56", "the head alone", one, 56),
        ("cut-to-71", "one byte less than the shortest message", one, 71),
        ("cut-after-chunk-0", "exactly one full chunk is left", two, HEAD + SEALED_CHUNK),
        ("cut-to-1-of-last", "1 byte into the last chunk", two, HEAD + SEALED_CHUNK + 1),
        ("cut-to-15-of-last", "15 bytes into the last chunk", two, HEAD + SEALED_CHUNK + 15),
    ]
    cases = [
        sample.refused(name, comment, "TRUNCATED", sample.message[:length])
        for name, comment, sample, length in by_length
    ]
    by_tag = [
        ("cut-in-only-tag", "the only tag lacks 5 bytes", one, len(one.message) - 5, 0),
        ("cut-in-first-tag", "chunk 0 of 2 lacks 5 bytes of its tag", two, HEAD + SEALED_CHUNK - 5, 0),
        ("cut-in-first-chunk", "chunk 0 of 2 ends in the middle", two, HEAD + 8000, 0),
        ("cut-in-second-chunk", "chunk 1 of 3 ends in the middle", three, HEAD + SEALED_CHUNK + 8000, 1),
        ("cut-last-byte", "the last byte is missing", two, len(two.message) - 1, 1),
    ]
    return cases + [
        sample.refused(name, comment, "CHUNK", sample.message[:length], chunk=chunk)
        for name, comment, sample, length, chunk in by_tag
    ]


def extended_messages() -> list[dict]:
    one, full, two = sample_message(100), sample_message(16383, "full"), sample_message(CHUNK, "empty-last")
    extensions = [
        ("extended-by-1", "one byte is appended", one, bytes(1), 0),
        ("extended-by-a-chunk", "16400 bytes are appended", one, bytes(SEALED_CHUNK), 0),
        ("extended-by-last-chunk", "the empty last chunk is there twice", two, two.chunk(1), 1),
    ]
    cases = [
        sample.refused(name, comment, "CHUNK", sample.message + appended, chunk=chunk)
        for name, comment, sample, appended, chunk in extensions
    ]
    comment = "a byte is appended, up to exactly one full chunk"
    return cases + [full.refused("extended-to-a-multiple", comment, "TRUNCATED", full.message + bytes(1))]


def moved_chunks() -> list[dict]:
    three = sample_message(33000)
    first, second, last = (three.chunk(index) for index in range(3))
    other_salt = fixed("messages/other-salt").draw(24)
    other = message_parts(three.key, three.context, other_salt, plain(33000))[1]
    orders = [
        ("chunks-swapped", "chunks 0 and 1 are swapped", [second, first, last], 0),
        ("chunk-0-repeated", "chunk 0 is in the place of chunk 1", [first, first, last], 1),
        ("chunk-1-dropped", "the last chunk follows chunk 0", [first, last], 1),
        ("chunk-of-another-message", "chunk 0 is from a message of the same key and context", [other[0], last], 0),
    ]
    return [
        three.refused(name, comment, "CHUNK", three.head + b"".join(chunks), chunk=chunk)
        for name, comment, chunks, chunk in orders
    ]


def misplaced_messages() -> list[dict]:
    one = sample_message(100)
    other_key = fixed("messages/other-key").draw(32)
    head_of_other, _ = message_parts(other_key, one.context, one.salt, plain(100))
    attack = head_of_other + one.message[HEAD:]
    damaged = flip(flip(one.message, 30), len(one.message) - 1)
    cases = [
        ("wrong-key", "another key", {"key": other_key.hex()}, "COMMIT"),
        ("wrong-context", "another context of the same length", {"context": b"b context".hex()}, "COMMIT"),
        ("longer-context", "the context has a zero byte more", {"context": (one.context + bytes(1)).hex()}, "COMMIT"),
        ("no-context", "an empty context", {"context": ""}, "COMMIT"),
        (
            "head-of-another-key",
            "all chunks verify under this key, but the head commits to another: no chunk is to be tried",
            {"message": attack.hex()},
            "COMMIT",
        ),
        ("commitment-before-chunks", "the commitment and the chunk are damaged", {"message": damaged.hex()}, "COMMIT"),
        (
            "length-before-commitment",
            "another key, and a length that no message has",
            {"key": other_key.hex(), "message": one.message[:60].hex()},
            "TRUNCATED",
        ),
    ]
    return [invalid(name, comment, error, **one.fields(**changed)) for name, comment, changed, error in cases]


def trusted_lengths() -> list[dict]:
    one, two = sample_message(100), sample_message(16385, "two")
    cases = [valid("trusted-len", "the length is what the caller trusts", **one.fields(trusted_len=100))]
    differing = [
        ("trusted-len-below", "the caller knows a smaller length", one, one.message, 99),
        ("trusted-len-above", "the caller knows a greater length", one, one.message, 101),
        ("trusted-len-zero", "the caller knows that there is nothing", one, one.message, 0),
        (
            "trusted-len-cut-chunk",
            "chunk 1 is missing and chunk 0 is cut: without the length, CHUNK",
            two,
            two.message[: HEAD + 8000],
            16385,
        ),
        ("trusted-len-damaged-head", "the length is compared before the commitment", one, flip(one.message, 0), 99),
    ]
    return cases + [
        sample.refused(name, comment, "TRUNCATED", message, trusted_len=trusted)
        for name, comment, sample, message, trusted in differing
    ]
