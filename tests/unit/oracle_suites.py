"""Encryption and integrity of IKE and ESP with python3-cryptography, by IANA's numbers; what the oracles share."""

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

AEAD = {20: AESGCM, 28: ChaCha20Poly1305}
AEAD_ICV = 16
AEAD_IV = 8
INTEG = {2: ("sha1", 12), 12: ("sha256", 16), 13: ("sha384", 24), 14: ("sha512", 32)}
PRF = {2: "sha1", 5: "sha256", 6: "sha384", 7: "sha512"}


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def mac(integ, key, data):
    digest, length = INTEG[integ]
    return hmac.new(key, data, digest).digest()[:length]


class Suite:
    """The keys of one direction: KEY with its salt; INTEG is 0 with an AEAD."""

    def __init__(self, encr, key, integ, key_integ):
        self.integ, self.key_integ = int(integ), unhex(key_integ)
        key = unhex(key)
        if int(encr) in AEAD:
            self.aead, self.salt, self.key = AEAD[int(encr)](key[:-4]), key[-4:], None
        else:
            self.aead, self.salt, self.key = None, b"", key
        self.iv_len = AEAD_IV if self.aead else 16
        self.icv_len = AEAD_ICV if self.aead else INTEG[self.integ][1]
        self.block = 1 if self.aead else 16

    def cbc(self, iv):
        return Cipher(algorithms.AES(self.key), modes.CBC(iv))

    def encrypt(self, iv, aad, text, tail=b""):
        """Cipher text and ICV; TAIL is authenticated behind them (the high half of an ESN)."""
        if self.aead:
            return self.aead.encrypt(self.salt + iv, text, aad)
        cbc = self.cbc(iv).encryptor()
        sealed = cbc.update(text) + cbc.finalize()
        return sealed + mac(self.integ, self.key_integ, aad + iv + sealed + tail)

    def decrypt(self, aad, sealed):
        """SEALED is IV, cipher text and ICV."""
        iv, rest = sealed[: self.iv_len], sealed[self.iv_len :]
        if self.aead:
            return self.aead.decrypt(self.salt + iv, rest, aad)
        text, icv = rest[: -self.icv_len], rest[-self.icv_len :]
        if mac(self.integ, self.key_integ, aad + iv + text) != icv:
            raise ValueError("ICV")
        cbc = self.cbc(iv).decryptor()
        return cbc.update(text) + cbc.finalize()
