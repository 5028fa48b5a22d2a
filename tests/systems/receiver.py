"""Receiver: an HTTPS server that takes webhooks, as an integrator's does. It keeps every request and
answers what `answers` says for its path, the next first; when that is empty, `status`.
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import socketserver
import ssl
import shutil
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

from tests.systems.fishplate import SLOW

NODE = Path(__file__).resolve().parent.parent / "webhooks" / "node"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802, the name is the library's
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status, extra = self.server.receiver.take(self.path, dict(self.headers), body)
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST

    def log_message(self, *_arguments):
        pass


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that went away


class Receiver:
    """Use it in a `with`. `certificate` is what a sender has to trust: it lies where a room of another
    user may read it."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="fishplate-receiver-"))
        self.directory.chmod(0o755)
        self.certificate = self.directory / "receiver.pem"
        self.requests, self.answers, self.status = [], {}, 200
        self._news = threading.Condition()
        self._wanted_port = 0
        self._server = None

    def take(self, path, headers, body):
        with self._news:
            self.requests.append(SimpleNamespace(
                path=path, body=body, headers={name.lower(): value for name, value in headers.items()}))
            answer = self.answers[path].pop(0) if self.answers.get(path) else self.status
            self._news.notify_all()
        return answer if isinstance(answer, tuple) else (answer, {})

    def start(self):
        key = self.directory / "receiver.key"
        if not self.certificate.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out",
                            str(self.certificate)], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self._server = _Server(("127.0.0.1", self._wanted_port), _Handler, bind_and_activate=True)
        self._server.receiver = self
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                  do_handshake_on_connect=False)
        self._wanted_port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """Nothing answers any more; `start` takes the same port again."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, path="/hook"):
        return f"https://127.0.0.1:{self._wanted_port}{path}"

    def wait(self, wanted, deadline=20.0):
        """The first request for which wanted(its JSON, the request) is true."""
        end = time.monotonic() + deadline * SLOW
        with self._news:
            while True:
                for request in self.requests:
                    with contextlib.suppress(ValueError):
                        if wanted(json.loads(request.body), request):
                            return request
                left = end - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    raise AssertionError(f"no such webhook among {[r.body for r in self.requests]}")

    def wait_type(self, kind, connection=None, path=None, deadline=20.0):
        return self.wait(lambda body, request: body["type"] == kind and (
            connection is None or body["data"].get("connection") == connection) and (
            path is None or request.path == path), deadline)

    def of(self, path):
        with self._news:
            return [request for request in self.requests if request.path == path]


def verify(secret, *requests):
    """What npm's standardwebhooks says of each: "good", or why not."""
    lines = "".join(json.dumps({"secret": secret, "headers": request.headers,
                                "body": request.body.decode()}) + "\n" for request in requests)
    done = subprocess.run(["node", "verify.mjs"], cwd=NODE, input=lines, text=True, timeout=60,
                          capture_output=True, check=True)
    return done.stdout.splitlines()
