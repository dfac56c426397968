#!/usr/bin/env python3
"""A reader of the libossenc format that shares no code with the library.

reader.py                 check the vectors beside this file
reader.py --live FILE     open the keystores and objects of one file
reader.py --file FILE --keystore IMAGE --root-key KEYFILE [--object NAME ...]
                          open one sealed file and write its plaintext to the standard output
"""

import argparse
import sys

from ossenc_reader.cases import check_files, committed_cases, live_cases
from ossenc_reader.opening import add_options, write_plaintext


def main() -> int:
    parser = argparse.ArgumentParser(description="Reads libossenc's format; without options, checks its vectors.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--live", metavar="FILE", help="open the keystores and objects of FILE instead")
    mode.add_argument("--file", metavar="FILE", help="open the sealed file FILE, and write its plaintext")
    add_options(parser)
    arguments = parser.parse_args()
    if arguments.file is None:
        return check_files(live_cases(arguments.live) if arguments.live else committed_cases())
    if arguments.keystore is None or arguments.root_key is None:
        parser.error("--file needs --keystore and --root-key")
    return write_plaintext(arguments)


if __name__ == "__main__":
    sys.exit(main())
