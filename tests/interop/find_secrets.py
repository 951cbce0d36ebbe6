"""Secrets, as lines of a name and what it is in hex, and where they stand.

keys LOG            the keys that a charon logs of its SAs at level 4, as such lines
files KNOWN FILE... names of those of the file KNOWN that one of the files holds: as they are, in hex or in base 64
memory KNOWN PID    for each that stands in the memory of the process: its name, in how many mappings that core dumps take,
                    and in how many that are kept from them
"""
import base64
import re
import sys

MAPPING_MAX = 1 << 30  # bytes; what is larger is a sanitizer's shadow
ENOUGH = 16            # bytes of a key: what comes behind may be a salt, which is kept elsewhere
KEYS = re.compile(r"(Sk_\w+ secret|SKEYSEED|shared Diffie Hellman secret|(?:encryption|integrity) \w+ key) => (\d+) bytes")
ROW = re.compile(r"\] +\d+: ((?:[0-9A-F]{2} )+)")


def keys(log):
    name, left, digits, count = None, 0, "", 0
    with open(log, errors="replace") as f:
        for line in f:
            begins, row = KEYS.search(line), ROW.search(line)
            if begins:
                name, left, digits = begins[1].replace(" ", "-"), int(begins[2]), ""
            elif row and name:
                digits += "".join(row[1].split()[:left])
                left -= min(left, 16)
                if left == 0:
                    count += 1
                    print(f"{name}-{count}", digits.lower())
                    name = None


def known(path):
    with open(path) as f:
        return {name: bytes.fromhex(digits) for name, digits in (line.split() for line in f)}


def spellings(secret):
    start = secret[: len(secret) // 3 * 3]  # the same in base 64 whatever comes behind
    return secret, secret.hex().encode(), secret.hex().upper().encode(), secret.hex(" ").encode(), base64.b64encode(start)


def files(path, *names):
    for name in names:
        with open(name, "rb") as f:
            data = f.read()
        for what, secret in known(path).items():
            if any(s in data for s in spellings(secret)):
                print(what, name)


def mappings(pid):
    """(first, last, whether it is kept from dumps) of each that can be read."""
    found = None
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            at = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r?)", line)
            if at:
                found = (int(at[1], 16), int(at[2], 16)) if at[3] else None
            elif line.startswith("VmFlags:") and found and found[1] - found[0] <= MAPPING_MAX:
                yield *found, " dd" in line


def memory(path, pid):
    secrets = {name: secret[:ENOUGH] for name, secret in known(path).items()}
    places = {name: [0, 0] for name in secrets}
    with open(f"/proc/{pid}/mem", "rb") as f:
        for first, last, kept in mappings(pid):
            try:
                f.seek(first)
                data = f.read(last - first)
            except (OSError, OverflowError):
                continue  # vvar and the like
            for name, secret in secrets.items():
                places[name][kept] += secret in data
    for name, (dumped, kept) in places.items():
        if dumped or kept:
            print(name, dumped, kept)


{"keys": keys, "files": files, "memory": memory}[sys.argv[1]](*sys.argv[2:])
