#!/usr/bin/env python3
"""Runs the example program over the cases of vectors/files.json: each is opened, or refused with the right exit code,
and what opens also survives a rewrap. Standard library only.

    file_vectors.py PROGRAM VECTORS DIR
"""

import json
import pathlib
import subprocess
import sys

EXIT_CODES = {"FORMAT": 4, "TOONEW": 5, "CHUNK": 6, "TRUNCATED": 7, "COMMIT": 8, "NOVERSION": 9, "KEYSTATE": 10, "EXPECT": 11}
LAST_SEQUENCE = 2**64 - 2


def plain(length):
    return bytes(i % 251 for i in range(length))


def context_options(context):
    options = []
    for name, option in (("tenant", "tenant"), ("bucket_id", "bucket"), ("object", "object"), ("version_id", "version-id")):
        options += [f"--{option}", bytes.fromhex(context[name]).decode("ascii")]
    for key, value in context["user"]:
        options += ["--pair", f"{key}={value}"]
    return options


class Case:
    def __init__(self, program, folder, keystores, case):
        self.case, self.folder = case, folder
        keystore = keystores[case["keystore"]]
        image = keystore["steps"][-1]["image"] if "steps" in keystore else keystore["image"]
        (folder / "keystore").write_bytes(bytes.fromhex(image))
        (folder / "root").write_bytes(bytes.fromhex(keystore["root_key"]))
        (folder / "root").chmod(0o600)
        (folder / "file").write_bytes(bytes.fromhex(case["file"]))
        (key_id,) = case["allow"]["key_ids"]
        self.command = [program, "--keystore", folder / "keystore", "--root-key", folder / "root", "--key", key_id]
        self.command += context_options(case["context"])

    def run(self, *words):
        return subprocess.run([*self.command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)

    def opens(self):
        """The exit code, and what is wrong besides."""
        out = self.folder / "out"
        out.unlink(missing_ok=True)
        code = self.run("open", self.folder / "file", out).returncode
        if code == 0:
            if out.read_bytes() != plain(self.case["plaintext_len"]):
                return code, "another plaintext"
        elif sorted(path.name for path in self.folder.iterdir()) != ["file", "keystore", "root"]:
            return code, "a failed open left a file"
        return code, None

    def problem(self):
        wanted = EXIT_CODES[self.case["error"]] if "error" in self.case else 0
        code, problem = self.opens()
        if problem:
            return problem
        if code != wanted:
            return f"open: exit code {code}, not {wanted}"
        code = self.run("cat", self.folder / "file").returncode
        if code != wanted:
            return f"cat: exit code {code}, not {wanted}"
        verified = self.run("verify", self.folder / "file").returncode
        if verified != wanted:
            return f"verify: exit code {verified}, not {wanted}"
        if wanted:
            return None
        return self.problem_of_rewrap()

    def problem_of_rewrap(self):
        before = (self.folder / "file").read_bytes()
        copies = [before[0:4096], before[4096:8192]]
        used_up = any(int.from_bytes(copy[8:16], "big") > LAST_SEQUENCE - 1 for copy in copies)
        result = self.run("rewrap", self.folder / "file")
        after = (self.folder / "file").read_bytes()
        if after[8192:] != before[8192:]:
            return "rewrap touched the body"
        if used_up:
            return None if result.returncode == 4 and after == before else "a sequence that is used up was written over"
        if result.returncode != 0:
            return f"rewrap: exit code {result.returncode}: {result.stderr.decode()}"
        code, problem = self.opens()
        if code != 0 or problem:
            return f"after a rewrap: exit code {code}, {problem}"
        if after[17:4092] != after[4096 + 17 : 8188]:
            return "after a rewrap the copies differ"
        if self.run("rewrap", self.folder / "file").stdout.count(b"nothing to do") != 1:
            return "a second rewrap found something to do"
        return None


def main():
    program, vectors, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    keystores = {case["name"]: case for case in json.loads((vectors / "keystores.json").read_text())["cases"]}
    cases = json.loads((vectors / "files.json").read_text())["cases"]
    failed = 0
    for case in cases:
        place = folder / case["name"]
        place.mkdir()
        problem = Case(program, place, keystores, case).problem()
        if problem:
            failed += 1
            print(f"FAIL vectors/files.json: {case['name']}: {problem}")
    print(f"vectors/files.json: {len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
