"""Opens one sealed file, as a program that reads what another implementation wrote."""

import argparse
import os
import pathlib
import sys
import time

from .context import encode_context
from .envelope import Allow, METHODS
from .file import open_file
from .keystore import load_keystore
from .wire import Refused


def user_pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("KEY=VALUE is wanted")
    return key, value


def add_options(parser: argparse.ArgumentParser) -> None:
    options = parser.add_argument_group("with --file; what is not given of the context is empty")
    options.add_argument("--keystore", metavar="IMAGE", help="the keystore image")
    options.add_argument("--root-key", metavar="FILE", help="its root key: 64 hexadecimal digits, or 32 bytes")
    options.add_argument("--tenant", metavar="NAME", default="")
    options.add_argument("--bucket-id", metavar="NAME", default="")
    options.add_argument("--object", metavar="NAME", default="")
    options.add_argument("--version-id", metavar="NAME", default="")
    options.add_argument("--hex", action="store_true", help="these four names are given in hexadecimal")
    options.add_argument(
        "--user", metavar="KEY=VALUE", type=user_pair, action="append", default=[], help="a pair of the user map"
    )
    options.add_argument("--method", choices=METHODS.values(), action="append", help="an allowed method; all if none")
    options.add_argument("--key-id", metavar="ID", action="append", help="an allowed key id; all if none")
    options.add_argument("--now", metavar="SECONDS", type=int, help="the time of the call, if not the present")
    options.add_argument("--min-generation", metavar="N", type=int, default=0, help="of the keystore")
    options.add_argument("--trusted-len", metavar="N", type=int, help="the length of the plaintext, if known")


def read_root_key(path: str) -> bytes:
    content = pathlib.Path(path).read_bytes()
    if len(content) == 32:
        return content
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        sys.exit(f"{path}: neither 64 hexadecimal digits nor 32 bytes")
    return key


def given_context(arguments: argparse.Namespace) -> bytes:
    names = (arguments.tenant, arguments.bucket_id, arguments.object, arguments.version_id)
    encode = bytes.fromhex if arguments.hex else os.fsencode
    return encode_context([encode(name) for name in names], arguments.user)


def plaintext_of_file(arguments: argparse.Namespace) -> bytes:
    image, root_key = pathlib.Path(arguments.keystore).read_bytes(), read_root_key(arguments.root_key)
    keystore = load_keystore(image, root_key, arguments.min_generation)
    key_ids = None if arguments.key_id is None else [os.fsencode(key_id) for key_id in arguments.key_id]
    allow = Allow(arguments.method or list(METHODS.values()), key_ids)
    now = int(time.time()) if arguments.now is None else arguments.now
    file = pathlib.Path(arguments.file).read_bytes()
    return open_file(file, keystore, given_context(arguments), allow, now, arguments.trusted_len)


def write_plaintext(arguments: argparse.Namespace) -> int:
    """Writes the plaintext to the standard output, all or nothing; a refusal is told on the standard error."""
    try:
        plaintext = plaintext_of_file(arguments)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(plaintext)
    sys.stdout.buffer.flush()
    return 0
