#!/usr/bin/python3
"""ESP in tunnel mode by scapy: seals and opens packets, a line of words in, hexadecimal digits out."""

import hmac
import sys

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation

ENCR = {12: "AES-CBC", 20: "AES-GCM", 28: "CHACHA20-POLY1305"}
INTEG = {
    0: ("NULL", None, 0),
    2: ("HMAC-SHA1-96", "sha1", 12),
    12: ("SHA2-256-128", "sha256", 16),
    13: ("SHA2-384-192", "sha384", 24),
    14: ("SHA2-512-256", "sha512", 32),
}
OUTER = bytes.fromhex("4500001400000000403200000a0000010a000002")


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def association(encr, key, integ, key_integ, spi, esn, seq):
    return SecurityAssociation(
        ESP,
        spi=spi,
        seq_num=seq & 0xFFFFFFFF,
        crypt_algo=ENCR[encr],
        crypt_key=key,
        auth_algo=INTEG[integ][0],
        auth_key=key_integ or None,
        tunnel_header=IP(src="10.0.0.1", dst="10.0.0.2"),
        esn_en=esn,
        esn=seq >> 32,
    )


# scapy takes no extended sequence number with an algorithm of its own for integrity: then the ICV is made here.
def icv(integ, key_integ, covered, seq):
    _, digest, length = INTEG[integ]
    return hmac.new(key_integ, covered + (seq >> 32).to_bytes(4, "big"), digest).digest()[:length]


def ip(data):
    return IPv6(data) if data[0] >> 4 == 6 else IP(data)


def words(args):
    encr, key, integ, key_integ, esn, seq, packet = args
    return int(encr), unhex(key), int(integ), unhex(key_integ), esn == "1", int(seq), unhex(packet)


def seal(spi, *args):
    encr, key, integ, key_integ, esn, seq, packet = words(args)
    apart = esn and integ != 0
    sa = association(encr, key, 0 if apart else integ, b"" if apart else key_integ, int(spi), esn, seq)
    first = bytes(sa.encrypt(ip(packet))[ESP])
    return first + (icv(integ, key_integ, first, seq) if apart else b"")


def open_(spi, *args):
    encr, key, integ, key_integ, esn, seq, packet = words(args)
    apart = esn and integ != 0
    sa = association(encr, key, 0 if apart else integ, b"" if apart else key_integ, int(spi), esn, seq)
    if apart:
        packet, given = packet[: -INTEG[integ][2]], packet[-INTEG[integ][2] :]
        if icv(integ, key_integ, packet, seq) != given:
            raise ValueError("ICV")
    outer = OUTER[:2] + (20 + len(packet)).to_bytes(2, "big") + OUTER[4:]
    return bytes(sa.decrypt(IP(outer + packet)))


ORDERS = {"seal": seal, "open": open_}

print("ready", flush=True)
for line in sys.stdin:
    order, *rest = line.split()
    print(ORDERS[order](*rest).hex(), flush=True)
