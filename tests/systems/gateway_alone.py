"""The real gateway room, sandboxed, with supervisor, vault and egress played by
tests/http/gateway_alone.c: answers, streams, broken links at will.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import ssl
import subprocess
import zlib
from pathlib import Path

from tests.systems.fishplate import BINARY, SLOW, Client
from tests.systems.http_echo import make_certificate

PROGRAM = BINARY.parent / "tests" / "http" / "gateway_alone"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def token_of(random, prefix="fp_live_"):
    """A token of the right form: prefix, 43 characters, the checksum of them."""
    number, check = zlib.crc32(random.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        check = DIGITS[digit] + check
    return prefix + random + check


TOKEN = token_of("A" * 43)


class GatewayAlone:
    def __init__(self, directory, **settings):
        directory = Path(directory)
        self.certificate, self.key = make_certificate(directory)
        self.log = directory / "gateway.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM), str(self.certificate), str(self.key),
                 *[f"{name}={value}" for name, value in settings.items()]],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL,
                # leaks cannot be looked for inside the sandbox
                env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        ports = json.loads(self.process.stdout.readline())
        self.tls_port, self.plain_port, self.metrics_port = (
            ports["tls"], ports["plain"], ports["metrics"])

    def tls(self, timeout=20.0):
        context = ssl.create_default_context(cafile=str(self.certificate))
        return Client(("127.0.0.1", self.tls_port), context, timeout=timeout * SLOW)

    def plain(self, timeout=20.0):
        return Client(("127.0.0.1", self.plain_port), timeout=timeout * SLOW)

    def metrics(self, timeout=20.0):
        return Client(("127.0.0.1", self.metrics_port), timeout=timeout * SLOW)

    def request(self, method, path, token=TOKEN, **options):
        with self.tls() as client:
            return client.request(method, path, token, **options)

    def get(self, path, token=TOKEN, **options):
        return self.request("GET", path, token, **options)

    def counters(self):
        return self.get("/api/erp/vendors/counters").data

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()
                if line.startswith("{")]

    def line_of(self, request_id):
        found = [line for line in self.lines() if line.get("request_id") == request_id]
        assert len(found) == 1, found
        return found[0]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(15 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()
        assert code == 0, f"gateway_alone ended with {code}: {self.log.read_text()[-4000:]}"

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.stop()
