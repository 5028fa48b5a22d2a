"""The dashboard as a browser or a script meets it: one connection to the console's listener, with
its cookie, its own header and forms."""
# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import hmac
import json
import re
import struct
import time
import urllib.parse

from tests.systems.fishplate import SLOW, Client

PASSWORD = "sieben rote Fahrräder im Hof"
OWNER = "ada@example.com"


class Console:
    """Somebody at the dashboard of a server: `cookie` is None until they have signed in."""

    def __init__(self, server, cookie=None):
        self.server, self.cookie, self.reason = server, cookie, None

    def raw(self, method, path, form=None, headers=(), own=True):
        """One request as it is; `own`: with the headers that the dashboard's pages send."""
        rows = dict(headers)
        if own:
            rows.setdefault("X-Fishplate-Console", "1")
            rows.setdefault("Origin", self.server.console_url)
        if self.cookie and "Cookie" not in rows:
            rows["Cookie"] = f"__Host-fishplate={self.cookie}"
        if self.reason:
            rows["X-Fishplate-Reason"] = urllib.parse.quote(self.reason)
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form).encode()
            rows.setdefault("Content-Type", "application/x-www-form-urlencoded")
        with Client(("127.0.0.1", self.server.console_port), self.server.tls(),
                    hostname="localhost", timeout=60.0 * SLOW) as client:
            client.host = f"localhost:{self.server.console_port}"
            return client.request(method, path, body=body, headers=rows)

    def ask(self, method, path, form=None, **options):
        """The same below /api; a cookie that comes is kept."""
        answer = self.raw(method, "/api" + path, form, **options)
        if found := re.match(r"__Host-fishplate=([^;]*)", answer.header("Set-Cookie") or ""):
            self.cookie = found[1] or None
        return answer

    def get(self, path, **query):
        return self.ask("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, **form):
        return self.ask("POST", path, form)

    def accept(self, link, name="Ada Lovelace", email=OWNER, password=PASSWORD):
        answer = self.post("/invitation/accept", link=link.rsplit("/", 1)[1], name=name,
                           email=email, password=password)
        assert answer.status == 200, answer
        return self

    def sign_in(self, email=OWNER, password=PASSWORD, **more):
        return self.post("/session", email=email, password=password, **more)


def owner_of(server):
    """The first owner, by the link that init printed."""
    return Console(server).accept(server.invitation)


def operator_of(server, owner, role, email=None):
    """A further operator of that role, invited by an owner."""
    email = email or f"{role}@example.com"
    answer = owner.post("/operators", email=email, role=role)
    assert answer.status == 200, answer
    return Console(server).accept(answer.data["url"], name=role.title(), email=email)


def records(server, **filters):
    """Audit records by the command line, which needs no operator."""
    extra = [word for name, value in filters.items() for word in (f"--{name}", value)]
    text = server.run("audit", "search", *extra, "--json").stdout
    return [json.loads(line) for line in text.splitlines()]


def totp(secret, step=0):
    """The code of an authenticator app (RFC 6238); step: so many half minutes from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    padded = secret + "=" * (-len(secret) % 8)
    mac = hmac.digest(base64.b32decode(padded), counter, hashlib.sha1)
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"
