#!/usr/bin/python3
"""Computes what engine/crypto does, with other code: a line of words comes in, hexadecimal digits go out."""

import functools
import hashlib
import hmac
import secrets
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

INTEG = {2: ("sha1", 12), 12: ("sha256", 16), 13: ("sha384", 24), 14: ("sha512", 32)}
PRF = {2: "sha1", 5: "sha256", 6: "sha384", 7: "sha512"}
CURVES = {19: ec.SECP256R1(), 20: ec.SECP384R1(), 21: ec.SECP521R1()}
# RFC 2409 6.2 and RFC 3526: bits of the prime and the number that is added to the digits of pi.
MODP = {
    2: (1024, 129093),
    5: (1536, 741804),
    14: (2048, 124476),
    15: (3072, 1690314),
    16: (4096, 240904),
    17: (6144, 929484),
    18: (8192, 4743158),
}


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def seal(encr, key, integ, key_integ, iv, aad, tail, text):
    key, iv, aad, tail, text = map(unhex, (key, iv, aad, tail, text))
    if int(encr) == 20:
        return AESGCM(key[:-4]).encrypt(key[-4:] + iv, text, aad)
    if int(encr) == 28:
        return ChaCha20Poly1305(key[:-4]).encrypt(key[-4:] + iv, text, aad)
    cbc = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    sealed = cbc.update(text) + cbc.finalize()
    digest, length = INTEG[int(integ)]
    return sealed + hmac.new(unhex(key_integ), aad + iv + sealed + tail, digest).digest()[:length]


def prf_plus(prf, key, seed, length):
    key, seed, out, last, count = unhex(key), unhex(seed), b"", b"", 0
    while len(out) < int(length):
        count += 1
        last = hmac.new(key, last + seed + bytes([count]), getattr(hashlib, PRF[int(prf)])).digest()
        out += last
    return out[: int(length)]


def arctan_inverse(x, one):
    total = term = one // x
    n, sign = 3, -1
    while term:
        term //= x * x
        total += sign * (term // n)
        n, sign = n + 2, -sign
    return total


@functools.lru_cache
def modp_prime(bits, add):
    guard = 64
    one = 1 << (bits - 130 + guard)
    pi = (4 * (4 * arctan_inverse(5, one) - arctan_inverse(239, one))) >> guard
    return (1 << bits) - (1 << (bits - 64)) - 1 + ((pi + add) << 64)


def dh(group, peer):
    """The public value of a new key pair, and the secret."""
    group, peer = int(group), unhex(peer)
    if group in MODP:
        prime, size = modp_prime(*MODP[group]), MODP[group][0] // 8
        mine = secrets.randbits(512) + 2
        secret = pow(int.from_bytes(peer, "big"), mine, prime)
        return pow(2, mine, prime).to_bytes(size, "big") + secret.to_bytes(size, "big")
    if group in CURVES:
        private = ec.generate_private_key(CURVES[group])
        other = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[group], b"\4" + peer)
        point = private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return point[1:] + private.exchange(ec.ECDH(), other)
    if group == 31:
        private, other = x25519.X25519PrivateKey.generate(), x25519.X25519PublicKey.from_public_bytes(peer)
    else:
        private, other = x448.X448PrivateKey.generate(), x448.X448PublicKey.from_public_bytes(peer)
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw + private.exchange(other)


ORDERS = {"seal": seal, "prf+": prf_plus, "dh": dh}

print("ready", flush=True)
for line in sys.stdin:
    order, *words = line.split()
    print(ORDERS[order](*words).hex(), flush=True)
