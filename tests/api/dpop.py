"""Keys of DPoP clients and the proofs that they make (RFC 9449), good ones and any kind of bad one."""
# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import json
import secrets
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest(text):
    return base64url(hashlib.sha256(text.encode()).digest())


class Key:
    """A key pair of a client: "ES256" or "EdDSA"."""

    def __init__(self, algorithm="ES256"):
        self.algorithm = algorithm
        if algorithm == "ES256":
            self._private = ec.generate_private_key(ec.SECP256R1())
            numbers = self._private.public_key().public_numbers()
            self.jwk = {"kty": "EC", "crv": "P-256", "x": base64url(numbers.x.to_bytes(32, "big")),
                        "y": base64url(numbers.y.to_bytes(32, "big"))}
        else:
            self._private = ed25519.Ed25519PrivateKey.generate()
            raw = self._private.public_key().public_bytes(serialization.Encoding.Raw,
                                                          serialization.PublicFormat.Raw)
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}

    @property
    def thumbprint(self):
        """RFC 7638."""
        return digest(json.dumps(self.jwk, sort_keys=True, separators=(",", ":")))

    def sign(self, header, claims):
        """A compact JWS; header and claims are objects, or texts to be taken as they are."""
        parts = [part if isinstance(part, str) else json.dumps(part) for part in (header, claims)]
        signed = ".".join(base64url(part.encode()) for part in parts)
        if self.algorithm == "EdDSA":
            signature = self._private.sign(signed.encode())
        else:
            r, s = decode_dss_signature(self._private.sign(signed.encode(),
                                                           ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return f"{signed}.{base64url(signature)}"


def proof(key, method, url, token=None, header=None, **claims):
    """A proof for one request; `header` and `claims` change it, None takes a member away."""
    head = {"typ": "dpop+jwt", "alg": key.algorithm, "jwk": key.jwk, **(header or {})}
    body = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time()),
            **({"ath": digest(token)} if token else {}), **claims}
    return key.sign({name: value for name, value in head.items() if value is not None},
                    {name: value for name, value in body.items() if value is not None})


def get(server, path, key, token, scheme="DPoP", sent=None, **options):
    """One GET with a token that is bound to a key; `sent` instead of a proof of its own."""
    sent = proof(key, "GET", server.url + path.split("?")[0], token) if sent is None else sent
    headers = [("Authorization", f"{scheme} {token}")]
    headers += [("DPoP", value) for value in ([sent] if isinstance(sent, str) else sent)]
    return server.get(path, headers=headers, **options)
