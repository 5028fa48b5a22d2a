"""HPKE (RFC 9180), base mode, as a connect page's browser does it: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
AES-256-GCM. A third implementation beside src/crypto/hpke.c and web/connect/hpke.js."""
# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEM, SUITE = b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x02"


def _extract(suite, salt, label, data):
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + data, hashlib.sha256).digest()


def _expand(suite, key, label, info, length):
    text = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01"
    return hmac.new(key, text, hashlib.sha256).digest()[:length]


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def seal(public_key, info, platform, credentials):
    """{"enc", "sealed"} for POST /connect/api/send."""
    raw = base64.urlsafe_b64decode(public_key + "=" * (-len(public_key) % 4))
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    mine = ec.generate_private_key(ec.SECP256R1())
    enc = mine.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    eae = _extract(KEM, b"", b"eae_prk", mine.exchange(ec.ECDH(), theirs))
    shared = _expand(KEM, eae, b"shared_secret", enc + raw, 32)
    context = (b"\x00" + _extract(SUITE, b"", b"psk_id_hash", b"")
               + _extract(SUITE, b"", b"info_hash", info.encode()))
    secret = _extract(SUITE, shared, b"secret", b"")
    key = _expand(SUITE, secret, b"key", context, 32)
    nonce = _expand(SUITE, secret, b"base_nonce", context, 12)
    text = AESGCM(key).encrypt(nonce, json.dumps(credentials).encode(), platform.encode())
    return {"enc": base64url(enc), "sealed": base64url(text)}
