#!/usr/bin/python3
"""Signs and verifies AUTH data with python3-cryptography: a line of words comes in, hexadecimal digits go out."""

import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

SHA = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
PSS = "304106092a864886f70d01010a3034a00f300d06096086480165030402{0}0500a11c301a06092a864886f70d010108300d0609608648016503"
PSS += "0402{0}0500a2030201{1}"
# RFC 7427 A: what stands in front of the signature, and how it is made.
ALGORITHMS = {
    "300d06092a864886f70d01010b0500": ("pkcs1", "sha256"),
    "300d06092a864886f70d01010c0500": ("pkcs1", "sha384"),
    "300d06092a864886f70d01010d0500": ("pkcs1", "sha512"),
    PSS.format("01", "20"): ("pss", "sha256"),
    PSS.format("02", "30"): ("pss", "sha384"),
    PSS.format("03", "40"): ("pss", "sha512"),
    "300a06082a8648ce3d040302": ("ecdsa", "sha256"),
    "300a06082a8648ce3d040303": ("ecdsa", "sha384"),
    "300a06082a8648ce3d040304": ("ecdsa", "sha512"),
    "300506032b6570": ("ed25519", None),
}
# RFC 7296 3.8, RFC 4754
METHODS = {1: ("pkcs1", "sha1"), 9: ("ecdsa", "sha256"), 10: ("ecdsa", "sha384"), 11: ("ecdsa", "sha512")}
MAKE = {
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
KEYS = {}


def key(name):
    """A new key, PKCS #8."""
    KEYS[name] = MAKE[name]()
    return KEYS[name].private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def arguments(how, digest):
    if how == "pkcs1":
        return padding.PKCS1v15(), SHA[digest]
    if how == "pss":
        return padding.PSS(padding.MGF1(SHA[digest]), SHA[digest].digest_size), SHA[digest]
    return (ec.ECDSA(SHA[digest]),) if how == "ecdsa" else ()


def sign(name, how, digest, octets):
    """What method 14 carries: algorithm and signature."""
    signature = KEYS[name].sign(bytes.fromhex(octets), *arguments(how, digest))
    algorithm = bytes.fromhex(next(a for a, made in ALGORITHMS.items() if made[0] == how and made[1] in (digest, None)))
    return bytes((len(algorithm),)) + algorithm + signature


def taken_apart(method, auth):
    if method == 14:
        return *ALGORITHMS[auth[1 : 1 + auth[0]].hex()], auth[1 + auth[0] :]
    if method == 1:
        return *METHODS[method], auth
    half = len(auth) // 2
    r, s = (int.from_bytes(n, "big") for n in (auth[:half], auth[half:]))
    return *METHODS[method], utils.encode_dss_signature(r, s)


def verify(name, method, octets, auth):
    """01 or 00"""
    how, digest, signature = taken_apart(int(method), bytes.fromhex(auth))
    try:
        KEYS[name].public_key().verify(signature, bytes.fromhex(octets), *arguments(how, digest))
    except InvalidSignature:
        return b"\0"
    return b"\1"


ORDERS = {"key": key, "sign": sign, "verify": verify}

print("ready", flush=True)
for line in sys.stdin:
    order, *words = line.split()
    print(ORDERS[order](*words).hex(), flush=True)
