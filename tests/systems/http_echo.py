"""src/http on its own: the program tests/http/http_echo.c on free ports, with options per test.

What the real server does on top of it is tested through tests/systems/fishplate.py.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import signal
import ssl
import subprocess
from pathlib import Path

from tests.systems.fishplate import BINARY, SLOW, Client

PROGRAM = BINARY.parent / "tests" / "http" / "http_echo"


def make_certificate(directory, name="localhost"):
    """A self-signed certificate and its key: two paths."""
    directory = Path(directory)
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", str(key), "-out", str(certificate), "-days", "30", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    return certificate, key


class HttpEcho:
    """One server. Options as in http_echo.c: header=300 (ms), connections=5, body_limit=1000."""

    def __init__(self, directory, **options):
        self.certificate, self.key = make_certificate(directory)
        self._log = Path(directory) / "http_echo.log"
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM), str(self.certificate), str(self.key),
                 *[f"{name}={value}" for name, value in options.items()]],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        ports = json.loads(self.process.stdout.readline())
        self.plain_port, self.tls_port = ports["plain"], ports["tls"]

    def tls_context(self):
        return ssl.create_default_context(cafile=str(self.certificate))

    def plain(self, timeout=10.0):
        return Client(("127.0.0.1", self.plain_port), timeout=timeout * SLOW)

    def tls(self, context=None, timeout=10.0):
        return Client(("127.0.0.1", self.tls_port), context or self.tls_context(),
                      timeout=timeout * SLOW)

    def counters(self):
        with self.plain() as client:
            return client.get("/counters").json

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends it and checks that it ended well (a sanitizer's finding is a failure)."""
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
        assert code == 0, f"http_echo ended with {code}: {self._log.read_text()[-4000:]}"

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.stop()
