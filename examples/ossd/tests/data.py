"""Bodies that are recognised wherever they turn up, and what of them lies on a disk."""

import collections
import math
import pathlib

MARK = b"ossdTEST"  # in every 16 bytes of every pattern, so in any 23 of them
BLOCK = 1 << 20
BASE = b"".join(b"%s000%04x\n" % (MARK, i) for i in range(BLOCK // 16))
assert len(BASE) == BLOCK


def block(number):
    return BASE.replace(MARK + b"000", MARK + b"%03x" % number)


def pattern(length, seed=0):
    """`length` bytes of numbered lines of 16 bytes, from the block `seed` on: each line says where it belongs."""
    assert seed + length // BLOCK < 4096
    return b"".join(block(seed + i) for i in range(length // BLOCK + 1))[:length]


def write_pattern(path, length):
    """The same into a file, however long it is."""
    with open(path, "wb") as out:
        for i in range(0, length, BLOCK):
            out.write(block(i // BLOCK)[: length - i])


def same_pattern(chunks, length):
    """Whether what comes in chunks of any size is what `write_pattern` wrote."""
    rest, number = b"", 0
    for chunk in chunks:
        rest += chunk
        while len(rest) >= BLOCK:
            if rest[:BLOCK] != block(number):
                return False
            rest, number = rest[BLOCK:], number + 1
    return number * BLOCK + len(rest) == length and rest == block(number)[: len(rest)]


def files(folder):
    return [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]


def holds(folder, needle=MARK):
    """The files below a folder in which a needle lies, in their names or contents."""
    found = []
    for path in files(folder):
        if needle in bytes(path.relative_to(folder)):
            found.append(path)
            continue
        with path.open("rb") as stream:
            tail = b""
            while content := stream.read(BLOCK):
                if needle in tail + content:
                    found.append(path)
                    break
                tail = content[-len(needle) :]
    return found


def entropy(content):
    """Bits a byte, of the distribution of bytes."""
    counts = collections.Counter(content)
    return -sum(n / len(content) * math.log2(n / len(content)) for n in counts.values())
