#!/usr/bin/env python3
"""Takes the AES-256-GCM cases with 96-bit nonces and 128-bit tags out of NIST's CAVP vectors (gcmtestvectors).

    pip download --no-deps cryptography-vectors    # NIST's files, as the package carries them
    cavp.py cryptography_vectors-*.whl > cavp_aes_256_gcm.txt

A line is one case: seal, open or reject, then key, nonce, AAD, plaintext, ciphertext, tag in hexadecimal, "-" for
nothing. NIST's vectors are works of the United States government and not subject to copyright there.
"""
import sys
import zipfile


def cases(text):
    """Yields (parameters, case) with the fields of every test of a .rsp file."""
    parameters, case = {}, {}
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            name, _, value = line.strip("[]").partition(" = ")
            parameters[name] = value
        elif " = " in line or line.endswith(" ="):
            name, _, value = line.partition(" =")
            case[name] = value.strip()
        elif line == "FAIL":
            case["FAIL"] = "FAIL"
        elif not line and "Tag" in case:
            yield dict(parameters), case
            case = {}
    if "Tag" in case:
        yield dict(parameters), case


def main():
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        for name, kind in (("gcmEncryptExtIV256.rsp", "seal"), ("gcmDecrypt256.rsp", "open")):
            text = wheel.read("cryptography_vectors/ciphers/AES/GCM/" + name).decode()
            for parameters, case in cases(text):
                if (parameters["IVlen"], parameters["Taglen"]) != ("96", "128"):
                    continue
                fields = [case.get(field) or "-" for field in ("Key", "IV", "AAD", "PT", "CT", "Tag")]
                print("reject" if "FAIL" in case else kind, *fields)


main()
