"""What the benchmarks start beside Fishplate: nginx, the Node server, the recording proxy and the fast
source that answers what was recorded of a real Tryton."""
# SPDX-License-Identifier: Apache-2.0
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.bench import measure
from tests.systems.tryton import ROOT, free_port

HERE = Path(__file__).resolve().parent
NODE = HERE / "node"


def make_certificate(directory):
    """A self-signed P-256 certificate for localhost: (certificate, key)."""
    certificate, key = directory / "bench-cert.pem", directory / "bench-key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "7", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-addext", "basicConstraints=critical,CA:TRUE",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


class Server:
    """A program of its own on a port; stopped by SIGTERM."""

    def __init__(self, command, port, log, environment=None):
        self.port = port
        with open(log, "ab") as file:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *command], stdin=subprocess.DEVNULL,
                stdout=file, stderr=file, env={**os.environ, **(environment or {})})
        end = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise RuntimeError(f"{command[0]} did not start: "
                                       f"{Path(log).read_text()[-2000:]}") from None
            time.sleep(0.05)

    @property
    def pid(self):
        return self._process.pid

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def nginx(directory, certificate, key, body, core):
    """`return 200` with a body of the same size, one worker, TLS 1.3, keep-alive without an end."""
    port = free_port()
    escaped = body.replace("\\", "\\\\").replace("'", "\\'").replace("$", "${dollar}")
    config = directory / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    config.write_text(f"""
{user}
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
    geo $dollar {{ default "$"; }}
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        location / {{
            default_type application/json;
            return 200 '{escaped}';
        }}
    }}
}}
""")
    return Server([*measure.pinned(core), "nginx", "-c", str(config), "-p", str(directory)], port,
                  directory / "nginx.log")


def upstream(directory, port, certificate, key, recordings, core, delay_ms=0):
    """The fast source (tests/bench/upstream.c), built on the way."""
    program = directory / "upstream"
    if not program.exists():
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", str(program), str(HERE / "upstream.c"),
                        "-lssl", "-lcrypto"], check=True)
    return Server([*measure.pinned(core), str(program), str(port), str(certificate), str(key),
                   str(recordings), str(delay_ms)], port, directory / "upstream.log")


def upstream_stats(server, certificate):
    context = ssl.create_default_context(cafile=str(certificate))
    with urllib.request.urlopen(f"https://localhost:{server.port}/", context=context) as answer:
        return json.load(answer)


def node(directory, certificate, key, environment, core):
    """Fastify and undici, installed by npm into tests/bench/node when they are missing."""
    if not (NODE / "node_modules" / "fastify").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=NODE,
                       check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    return Server([*measure.pinned(core), "node", str(NODE / "server.mjs")], port,
                  directory / "node.log",
                  {"PORT": str(port), "CERTIFICATE": str(certificate), "KEY": str(key),
                   "NODE_ENV": "production", "NODE_EXTRA_CA_CERTS": str(certificate),
                   **environment})


class Recorder:
    """A TLS proxy in front of a real Tryton that keeps what was asked and answered."""

    def __init__(self, target, certificate, key):
        self.recordings = {}  # the call's text from "method" on -> the answer's after the id
        self.order = []       # the calls since clear(), in their order
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request handed on as it is."""

            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name: self.headers[name] for name in ("Content-Type", "Authorization")
                           if self.headers[name]}
                try:
                    with urllib.request.urlopen(urllib.request.Request(
                            target + self.path, body, headers), timeout=60) as answer:
                        status, text = answer.status, answer.read()
                        kind = answer.headers["Content-Type"]
                except urllib.error.HTTPError as error:
                    with error:
                        status, text, kind = error.code, error.read(), error.headers["Content-Type"]
                recorder.keep(body, text)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.send_header("Connection", "close")  # nothing stays open when this proxy ends
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_arguments):
                """Silent: the recordings are the log."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def keep(self, body, text):
        start = body.find(b'"method"')
        match = re.match(rb'\{"id": ?\d+', text)
        if start >= 0 and match:
            self.recordings[body[start:]] = text[match.end():]
            self.order.append((body, text))

    def clear(self):
        self.order = []

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def write(self, path):
        with open(path, "wb") as file:
            for request, answer in self.recordings.items():
                file.write(b"%d %d\n" % (len(request), len(answer)) + request + answer)


def have_node():
    return bool(shutil.which("node") and shutil.which("npm"))


__all__ = ["ROOT", "Recorder", "have_node", "make_certificate", "nginx", "node", "upstream",
           "upstream_stats"]
