#!/usr/bin/python3
"""IKEv2 by scapy: takes our messages apart and makes others. A line of words in, hexadecimal digits out.

A message is described as text: a line for its header, then one for each payload, as in test_wire_oracle.c. A payload is
{"type": number, "critical": bool} and the words of its line.
"""

import ipaddress
import logging
import random
import sys

from scapy.contrib import ikev2
from scapy.packet import NoPayload

sys.dont_write_bytecode = True
from oracle_suites import Suite, unhex  # noqa: E402

logging.getLogger().setLevel(logging.ERROR)

# scapy 2.5 forgets the SPI where it counts the bytes of a notification.
for field in ikev2.IKEv2_payload_Notify.fields_desc:
    if field.name == "length":
        field.adjust = lambda pkt, x: x + 8 + pkt.SPIsize
    if field.name == "load":
        field.length_from = lambda pkt: pkt.length - 8 - pkt.SPIsize

CLASSES = {
    33: ikev2.IKEv2_payload_SA,
    34: ikev2.IKEv2_payload_KE,
    35: ikev2.IKEv2_payload_IDi,
    36: ikev2.IKEv2_payload_IDr,
    37: ikev2.IKEv2_payload_CERT_STR,
    38: ikev2.IKEv2_payload_CERTREQ,
    39: ikev2.IKEv2_payload_AUTH,
    40: ikev2.IKEv2_payload_Nonce,
    41: ikev2.IKEv2_payload_Notify,
    42: ikev2.IKEv2_payload_Delete,
    43: ikev2.IKEv2_payload_VendorID,
    44: ikev2.IKEv2_payload_TSi,
    45: ikev2.IKEv2_payload_TSr,
    46: ikev2.IKEv2_payload_Encrypted,
    47: ikev2.IKEv2_payload_CP,
    53: ikev2.IKEv2_payload_Encrypted_Fragment,
}
SPI = {0: 0, 1: 8, 2: 4, 3: 4}


def digits(data):
    return bytes(data).hex() or "-"


def address(text):
    return ipaddress.ip_address(text).packed


def expect(true, what):
    """What scapy does not look at."""
    if not true:
        raise ValueError(what)


# What a payload says, from scapy's fields --------------------------------------------------------------------------


def say_sa(p):
    out, proposal = "", p.prop
    while not isinstance(proposal, NoPayload):
        out += f" [{proposal.proposal} {proposal.proto} {digits(proposal.SPI)} {proposal.trans_nb}"
        transform = proposal.trans
        while not isinstance(transform, NoPayload):
            attribute = transform.getfieldval("key_length") if transform.length > 8 else 0x800E0000
            expect(attribute >> 16 == 0x800E, "the attribute is no key length")
            is_last = isinstance(transform.payload, NoPayload)
            expect(transform.next_payload == (0 if is_last else 3), "last transform")
            bits = attribute & 0xFFFF
            out += f" {transform.transform_type}/{transform.transform_id}/{bits}"
            transform = transform.payload
        is_last = isinstance(proposal.payload, NoPayload)
        expect(proposal.next_payload == (0 if is_last else 2), "last proposal")
        out, proposal = out + "]", proposal.payload
    return out


def say_ts(p):
    out = f" {p.number_of_TSs}"
    for s in p.traffic_selector:
        version = 4 if s.TS_type == 7 else 6
        expect(s.length == (16 if version == 4 else 40), "length of the selector")
        first, last = (s.getfieldval(f"{end}_address_v{version}") for end in ("starting", "ending"))
        out += f" [{s.TS_type} {s.IP_protocol_ID} {s.start_port} {s.end_port}"
        out += f" {digits(address(first))} {digits(address(last))}]"
    return out


def say_id(p):
    return f" {p.IDtype} {digits(address(p.ID) if p.IDtype in (1, 5) else p.ID)}"


def say_cert(p):
    return f" {p.cert_type} {digits(p.x509Cert if p.cert_type == 4 and hasattr(p, 'x509Cert') else p.cert_data)}"


def say_delete(p):
    body = p.vendorID
    return f" {body[0]} {body[1]} {int.from_bytes(body[2:4], 'big')} {digits(body[4:])}"


def say_cp(p):
    out = f" {p.CFGType}"
    for a in p.attributes:
        out += f" [{a.type & 0x7FFF} {digits(bytes(a)[4:])}]"
    return out


SAY = {
    33: say_sa,
    34: lambda p: f" {p.group} {digits(p.load)}",
    35: say_id,
    36: say_id,
    37: say_cert,
    38: lambda p: f" {p.cert_type} {digits(p.cert_data)}",
    39: lambda p: f" {p.auth_type} {digits(p.load)}",
    40: lambda p: f" {digits(p.load)}",
    41: lambda p: f" {p.proto} {p.type} {digits(p.SPI)} {digits(p.load)}",
    42: say_delete,
    43: lambda p: f" {digits(p.vendorID)}",
    44: say_ts,
    45: say_ts,
    46: lambda p: f" {p.next_payload} {digits(p.load)}",
    47: say_cp,
    53: lambda p: f" {p.next_payload} {p.frag_number} {p.frag_total} {digits(p.load)}",
}


def say_chain(kind, p):
    out = ""
    while not isinstance(p, NoPayload):
        critical = bytes(p)[1] & 0x80
        out += f"{'!' if critical else ''}{kind}" + SAY.get(kind, lambda p: f" {digits(p.load)}")(p) + "\n"
        expect(kind not in (46, 53) or isinstance(p.payload, NoPayload), "bytes behind what is encrypted")
        kind, p = p.next_payload, p.payload
    return out


def say_header(m):
    return (
        f"{digits(m.init_SPI)} {digits(m.resp_SPI)} {m.next_payload} {m.version} {m.exch_type} {int(m.flags)}"
        f" {m.id} {m.length}\n"
    )


# Messages out of a seed -----------------------------------------------------------------------------------------------


def some(rnd, least, most):
    return rnd.randbytes(rnd.randint(least, most))


def make_transform(rnd, last):
    kind = rnd.choice((1, 1, 2, 3, 4, 5))
    length = 12 if kind == 1 else 8
    t = ikev2.IKEv2_payload_Transform(
        next_payload=0 if last else 3, length=length, transform_type=kind, transform_id=rnd.randint(0, 40)
    )
    if length == 12:
        t.key_length = rnd.choice((128, 192, 256, 1, 0xFFFF))
    return t


def joined(layers):
    out = layers[0]
    for layer in layers[1:]:
        out = out / layer
    return out


def make_sa(rnd):
    proposals = []
    count = rnd.randint(1, 3)
    for i in range(count):
        proto = rnd.choice((1, 3))
        spi = rnd.randbytes(4 if proto == 3 else rnd.choice((0, 8)))
        n = rnd.randint(1, 8)
        trans = joined([make_transform(rnd, k + 1 == n) for k in range(n)])
        proposals.append(
            ikev2.IKEv2_payload_Proposal(
                next_payload=0 if i + 1 == count else 2,
                length=8 + len(spi) + len(trans),
                proposal=i + 1,
                proto=proto,
                SPIsize=len(spi),
                SPI=spi,
                trans_nb=n,
                trans=trans,
            )
        )
    return {"prop": joined(proposals)}


def make_ts(rnd):
    selectors = []
    for _ in range(rnd.randint(1, 5)):
        ports = {"start_port": rnd.randint(0, 65535), "end_port": rnd.randint(0, 65535)}
        protocol = rnd.choice((0, 1, 6, 17, 58))
        if rnd.randint(0, 1):
            a, b = (str(ipaddress.IPv4Address(rnd.randbytes(4))) for _ in range(2))
            selectors.append(
                ikev2.IPv4TrafficSelector(IP_protocol_ID=protocol, starting_address_v4=a, ending_address_v4=b, **ports)
            )
        else:
            a, b = (str(ipaddress.IPv6Address(rnd.randbytes(16))) for _ in range(2))
            selectors.append(
                ikev2.IPv6TrafficSelector(
                    IP_protocol_ID=protocol, length=40, starting_address_v6=a, ending_address_v6=b, **ports
                )
            )
    return {"traffic_selector": selectors, "number_of_TSs": len(selectors)}


def make_id(rnd):
    kind = rnd.choice((1, 2, 3, 5, 9, 11))
    if kind == 1:
        return {"IDtype": 1, "ID": str(ipaddress.IPv4Address(rnd.randbytes(4))), "length": 12}
    if kind == 5:
        return {"IDtype": 5, "ID": str(ipaddress.IPv6Address(rnd.randbytes(16))), "length": 24}
    data = some(rnd, 1, 60)
    return {"IDtype": kind, "ID": data, "length": 8 + len(data)}


def make_notify(rnd):
    proto = rnd.choice((0, 0, 1, 2, 3))
    spi = rnd.randbytes(SPI[proto])
    return {"proto": proto, "SPIsize": len(spi), "SPI": spi, "type": rnd.randint(0, 65535), "load": some(rnd, 0, 40)}


def make_delete(rnd):
    proto = rnd.choice((1, 2, 3))
    size, n = (0, rnd.randint(0, 1)) if proto == 1 else (4, rnd.randint(0, 5))
    return {"vendorID": bytes((proto, size)) + n.to_bytes(2, "big") + rnd.randbytes(size * n)}


def make_cp(rnd):
    attributes = []
    for _ in range(rnd.randint(0, 4)):
        kind = rnd.choice((1, 2, 3, 7, 8, 10, 13, 16384))
        if kind in (1, 2, 3) and rnd.randint(0, 1):
            value, length = str(ipaddress.IPv4Address(rnd.randbytes(4))), 4
        elif kind == 10 and rnd.randint(0, 1):
            value, length = str(ipaddress.IPv6Address(rnd.randbytes(16))), 16
        else:
            value = some(rnd, 0, 3)
            length = len(value)
        attributes.append(ikev2.ConfigurationAttribute(type=kind, length=length, value=value))
    return {"CFGType": rnd.randint(1, 4), "attributes": attributes, "length": 8 + sum(map(len, attributes))}


MAKE = {
    33: make_sa,
    34: lambda rnd: {"group": rnd.randint(0, 65535), "load": some(rnd, 1, 300)},
    35: make_id,
    36: make_id,
    37: lambda rnd: {"cert_type": rnd.choice((1, 4, 11, 12)), "cert_data": some(rnd, 0, 300)},
    38: lambda rnd: {"cert_type": 4, "cert_data": rnd.randbytes(20 * rnd.randint(0, 4))},
    39: lambda rnd: {"auth_type": rnd.randint(0, 255), "load": some(rnd, 1, 300)},
    40: lambda rnd: {"load": some(rnd, 16, 256)},
    41: make_notify,
    42: make_delete,
    43: lambda rnd: {"vendorID": some(rnd, 0, 40)},
    44: make_ts,
    45: make_ts,
    47: make_cp,
    48: lambda rnd: {"load": some(rnd, 0, 40)},
    99: lambda rnd: {"load": some(rnd, 0, 40)},
}


def make_chain(rnd):
    """The type of the first payload, and all of them as scapy's layers."""
    kinds = [rnd.choice(list(MAKE)) for _ in range(rnd.randint(1, 8))]
    layers = []
    for kind, following in zip(kinds, kinds[1:] + [0]):
        critical = rnd.choice((0, 0, 0x80))
        if kind in CLASSES:
            layer = CLASSES[kind](next_payload=following, res=critical, **MAKE[kind](rnd))
        else:
            flags = "critical" if critical else 0
            layer = ikev2.IKEv2_payload(next_payload=following, flags=flags, **MAKE[kind](rnd))
        layers.append(layer)
    return kinds[0], joined(layers)


def make_header(rnd, first):
    return ikev2.IKEv2(
        init_SPI=rnd.randbytes(8),
        resp_SPI=rnd.randbytes(8),
        next_payload=first,
        exch_type=rnd.randint(34, 37),
        flags=rnd.choice((0, 8, 0x20, 0x28)),
        id=rnd.randint(0, 0xFFFFFFFF),
    )


# Orders ---------------------------------------------------------------------------------------------------------------


def dissect(message):
    m = ikev2.IKEv2(unhex(message))
    return (say_header(m) + say_chain(m.next_payload, m.payload)).encode()


def packed(messages, text):
    out = len(messages).to_bytes(2, "big")
    for m in messages:
        out += len(m).to_bytes(2, "big") + m
    return out + text.encode()


def build(seed):
    rnd = random.Random(int(seed))
    first, chain = make_chain(rnd)
    m = bytes(make_header(rnd, first) / chain)
    return packed([m], say_header(ikev2.IKEv2(m)) + say_chain(first, chain_of(first, bytes(chain))))


def chain_of(first, data):
    return CLASSES.get(first, ikev2.IKEv2_payload)(data) if first != 37 else ikev2.IKEv2_payload_CERT(data)


def open_(encr, key, integ, key_integ, *messages):
    """The fragments of one message, or it whole: what is inside."""
    suite, text, first = Suite(encr, key, integ, key_integ), b"", None
    for i, word in enumerate(messages):
        data = unhex(word)
        m = ikev2.IKEv2(data)
        p = m.payload
        if m.next_payload == 53:
            expect((p.frag_number, p.frag_total) == (i + 1, len(messages)), "number of the fragment")
        expect(i == 0 or p.next_payload == 0, "next payload of the fragment")
        first = p.next_payload if i == 0 else first
        part = suite.decrypt(data[: -len(p.load)], p.load)
        text += part[: len(part) - 1 - part[-1]]
    return say_chain(first, chain_of(first, text)).encode()


def seal(seed, encr, key, integ, key_integ, total):
    """A message in TOTAL fragments; 0: whole."""
    rnd, suite, total = random.Random(int(seed)), Suite(encr, key, integ, key_integ), int(total)
    first, chain = make_chain(rnd)
    text, header = bytes(chain), make_header(rnd, 53 if total else 46)
    size, block = -(-len(text) // max(total, 1)), suite.block
    out, overhead = [], suite.iv_len + suite.icv_len
    for i in range(max(total, 1)):
        part = text[i * size : (i + 1) * size]
        pad = -(len(part) + 1) % block + block * rnd.randint(0, 2)
        part += rnd.randbytes(pad) + bytes((pad,))
        inner = first if i == 0 else 0
        if total:
            p = ikev2.IKEv2_payload_Encrypted_Fragment(next_payload=inner, frag_number=i + 1, frag_total=total)
        else:
            p = ikev2.IKEv2_payload_Encrypted(next_payload=inner)
        p.load = bytes(len(part) + overhead)
        m = bytes(header / p)
        aad = m[: -len(p.load)]
        iv = rnd.randbytes(suite.iv_len)
        out.append(aad + iv + suite.encrypt(iv, aad, part))
    return packed(out, say_chain(first, chain_of(first, text)))


ORDERS = {"dissect": dissect, "build": build, "open": open_, "seal": seal}

print("ready", flush=True)
for line in sys.stdin:
    order, *words = line.split()
    print(ORDERS[order](*words).hex(), flush=True)
