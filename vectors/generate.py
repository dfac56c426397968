#!/usr/bin/env python3
"""Writes the test vectors of the libossenc format.

    generate.py               write the vectors beside this file
    generate.py --check       exit 1 if the files beside this one are not what would be written
    generate.py --live FILE   write one file with fresh randomness, for another implementation to open

README.md has the schema of the files.
"""

import argparse
import sys

from generator.live import write_live
from generator.output import check_files, write_files


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes the test vectors of libossenc's format.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compare the files with what would be written")
    mode.add_argument("--live", metavar="FILE", help="write FILE with fresh randomness")
    arguments = parser.parse_args()
    if arguments.live:
        return write_live(arguments.live)
    return check_files() if arguments.check else write_files()


if __name__ == "__main__":
    sys.exit(main())
