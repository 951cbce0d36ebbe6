#!/usr/bin/python3
"""Computes what engine/crypto does, with other code: a line of words comes in, hexadecimal digits go out."""

import functools
import hashlib
import hmac
import secrets
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519

sys.dont_write_bytecode = True
from oracle_suites import PRF, Suite, unhex  # noqa: E402

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


def seal(encr, key, integ, key_integ, iv, aad, tail, text):
    return Suite(encr, key, integ, key_integ).encrypt(*map(unhex, (iv, aad, text, tail)))


def prf(number, key, data):
    return hmac.new(key, data, getattr(hashlib, PRF[int(number)])).digest()


def prf_plus(number, key, seed, length):
    key, seed, out, last, count = unhex(key), unhex(seed), b"", b"", 0
    while len(out) < int(length):
        count += 1
        last = prf(number, key, last + seed + bytes([count]))
        out += last
    return out[: int(length)]


def keys(number, encr_len, integ_len, *rest):
    """RFC 7296 2.14, 2.17 and 2.18: SKEYSEED, SK_*, the keys of a CHILD_SA without and with a key exchange of its own,
    the SKEYSEED of a rekeyed IKE_SA."""
    ni, nr, spi_i, spi_r, secret, new = map(unhex, rest)
    half = int(encr_len) + int(integ_len)
    seed = prf(number, ni + nr, secret)
    sks = prf_plus(number, seed.hex(), (ni + nr + spi_i + spi_r).hex(), 3 * len(seed) + 2 * half)
    sk_d = sks[: len(seed)]
    child = prf_plus(number, sk_d.hex(), (ni + nr).hex(), 2 * half)
    child_dh = prf_plus(number, sk_d.hex(), (new + ni + nr).hex(), 2 * half)
    return seed + sks + child + child_dh + prf(number, sk_d, new + ni + nr)


def auth(number, *rest):
    """RFC 7296 2.15"""
    psk, message, nonce, sk_p, identity = map(unhex, rest)
    return prf(number, prf(number, psk, b"Key Pad for IKEv2"), message + nonce + prf(number, sk_p, identity))


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


ORDERS = {"seal": seal, "prf+": prf_plus, "keys": keys, "auth": auth, "dh": dh}

print("ready", flush=True)
for line in sys.stdin:
    order, *words = line.split()
    print(ORDERS[order](*words).hex(), flush=True)
