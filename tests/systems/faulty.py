"""FaultySource: a source system of our own that misbehaves on purpose. It is no real product.

It stands where a Tryton would stand and answers every request with the behaviour chosen by
`behave(name)`, or by the last segment of the path where that names one (so one server serves many
connections). BEHAVIOURS lists them. It listens on 127.0.0.1 on a free port, in plain HTTP or, with
`tls=True`, in HTTPS with a certificate that it makes for itself (`certificate` is its path).
"""
# SPDX-License-Identifier: Apache-2.0
import asyncio
import contextlib
import functools
import json
import ssl
import subprocess
import threading
import zlib
from pathlib import Path

MEGABYTE = 1 << 20
HTML = (b"<!doctype html><html><head><title>Gateway</title></head>"
        b"<body><h1>It works!</h1></body></html>")


def plain(status, body, kind="application/json", extra=""):
    """A whole answer of HTTP/1.1, to be closed afterwards."""
    return (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            f"{extra}Connection: close\r\n\r\n").encode() + body


async def put(writer, data):
    """Writes, and waits while the other side reads; ends the behaviour when that side is gone."""
    if writer.is_closing():
        raise ConnectionResetError
    writer.write(data)
    await writer.drain()
    await asyncio.sleep(0)  # drain alone need not let the loop learn that the other side is gone


async def html(source, request, writer):
    """200 with a page where JSON is due, as a proxy's login page does."""
    writer.write(plain("200 OK", HTML, "text/html; charset=utf-8"))


async def html_error(source, request, writer):
    """502 with a page, as a reverse proxy in front of a dead source."""
    writer.write(plain("502 Bad Gateway", HTML, "text/html"))


async def hang(source, request, writer):
    """Takes the request and never answers; ends when the other side or the server closes."""
    await source.closing.wait()


async def slow_drip(source, request, writer):
    """A valid start, then one byte each 0.2 s without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 1000000\r\n\r\n")
    for _ in range(5000):
        await put(writer, b" ")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(source.closing.wait(), 0.2)
            return


async def slow_headers(source, request, writer):
    """A header line that never ends, one byte each 0.2 s."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(5000):
        await put(writer, b"a")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(source.closing.wait(), 0.2)
            return


async def huge(source, request, writer):
    """100 MB of valid JSON with its length announced."""
    size = 100 * MEGABYTE
    writer.write((f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {size}\r\n\r\n").encode())
    writer.write(b'{"id":1,"result":"')
    left = size - 20
    block = b"a" * 65536
    while left > 0:
        part = block[:left]
        await put(writer, part)
        source.sent += len(part)
        left -= len(part)
    writer.write(b'"}')


async def huge_chunked(source, request, writer):
    """100 MB in chunks: no length says beforehand how much will come."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + b'{"id":1,"result":"' + b"\r\n")
    block = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    for _ in range(1600):
        await put(writer, block)
        source.sent += 65536
    writer.write(b'2\r\n"}\r\n0\r\n\r\n')


async def huge_headers(source, request, writer):
    """10 MB of header lines."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    line = b"X-Filler: " + b"a" * 8000 + b"\r\n"
    for _ in range(1300):
        await put(writer, line)
    writer.write(b"Content-Length: 2\r\n\r\n{}")


@functools.cache
def bomb():
    """100 MB of JSON in 100 KB of gzip; made once, which takes a while."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = packer.compress(b'{"id":1,"result":"')
    for _ in range(100):
        body += packer.compress(b"a" * MEGABYTE)
    return body + packer.compress(b'"}') + packer.flush()


async def gzip_bomb(source, request, writer):
    """A small gzip body that inflates to 100 MB."""
    writer.write(plain("200 OK", bomb(), extra="Content-Encoding: gzip\r\n"))


async def cut_body(source, request, writer):
    """The connection ends in the middle of the announced body."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                 b'Content-Length: 4096\r\n\r\n{"id":1,"result":[{"id":1,')


async def cut_chunk(source, request, writer):
    """The connection ends in the middle of a chunk."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                 b'Transfer-Encoding: chunked\r\n\r\n400\r\n{"id":1,"result":[')


async def close(source, request, writer):
    """Ends without a byte of an answer."""


async def reset(source, request, writer):
    """Ends with a reset instead of an end."""
    writer.transport.abort()


async def not_http(source, request, writer):
    """Another protocol's greeting."""
    writer.write(b"220 mail.example.com ESMTP ready\r\n")


async def bad_chunk(source, request, writer):
    """A chunk length that is no number."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")


async def wrong_json(source, request, writer):
    """JSON that breaks off."""
    writer.write(plain("200 OK", b'{"id":1,"result":[1,2,'))


async def other_json(source, request, writer):
    """Valid JSON of a shape that was not asked for."""
    writer.write(plain("200 OK", b'{"hello":"world","result":{"a":[null,true,"x"]}}'))


async def scalar_json(source, request, writer):
    """A bare number."""
    writer.write(plain("200 OK", b"42"))


async def bad_utf8(source, request, writer):
    """JSON text with bytes that are no UTF-8."""
    writer.write(plain("200 OK", b'{"id":1,"result":[1,"\xff\xfe\xc0\xaf"]}'))


async def deep_json(source, request, writer):
    """10,000 levels of arrays."""
    writer.write(plain("200 OK", b'{"id":1,"result":' + b"[" * 10000 + b"]" * 10000 + b"}"))


async def empty(source, request, writer):
    """200 with no body at all."""
    writer.write(plain("200 OK", b""))


async def redirect(source, request, writer):
    """307 to another origin (`source.elsewhere`), which must never see the request."""
    writer.write(plain("307 Temporary Redirect", b"", extra=f"Location: {source.elsewhere}\r\n"))


async def redirect_loop(source, request, writer):
    """302 to itself."""
    writer.write(plain("302 Found", b"", extra=f"Location: {request.path}\r\n"))


async def redirect_metadata(source, request, writer):
    """302 to a cloud's metadata address."""
    writer.write(plain("302 Found", b"",
                       extra="Location: http://169.254.169.254/latest/meta-data/\r\n"))


async def error_500(source, request, writer):
    """500 with a page, as Tryton's for a request that is not JSON."""
    writer.write(plain("500 INTERNAL SERVER ERROR", HTML, "text/html; charset=utf-8"))


async def unavailable(source, request, writer):
    """503 with Retry-After."""
    writer.write(plain("503 Service Unavailable", b"", "text/plain", "Retry-After: 7\r\n"))


async def too_many(source, request, writer):
    """429 with Retry-After."""
    writer.write(plain("429 Too Many Requests", b'{"error":"slow down"}', extra="Retry-After: 9\r\n"))


async def unauthorized(source, request, writer):
    """401 with an empty body, as Tryton's for an unknown session."""
    writer.write(plain("401 UNAUTHORIZED", b"", "text/plain",
                       'WWW-Authenticate: Basic realm="Tryton"\r\n'))


async def forbidden(source, request, writer):
    """403 with a page."""
    writer.write(plain("403 FORBIDDEN", HTML, "text/html"))


async def echo_secret(source, request, writer):
    """An error that repeats the request, password and all: it must reach no log and no client."""
    text = json.dumps({"id": 1, "error": [request.body.decode("utf-8", "replace"),
                                          request.headers.get("authorization", "")]})
    writer.write(plain("200 OK", text.encode()))


async def two_lengths(source, request, writer):
    """Content-Length and chunked at once: a smuggler's answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"2\r\n{}\r\n0\r\n\r\n")


async def endless_pages(source, request, writer):
    """Logs in and then always answers one full page of the size that was asked for."""
    call = json.loads(request.body or b"{}")
    method = str(call.get("method"))
    if method == "common.db.login":
        result = [1, "ab" * 32]
    elif method.endswith("search_count"):
        result = 10 ** 9
    else:
        result = [{"id": n + 1} for n in range(500)]
    writer.write(plain("200 OK", json.dumps({"id": call.get("id"), "result": result}).encode()))


BEHAVIOURS = {f.__name__: f for f in (
    html, html_error, hang, slow_drip, slow_headers, huge, huge_chunked, huge_headers, gzip_bomb,
    cut_body, cut_chunk, close, reset, not_http, bad_chunk, wrong_json, other_json, scalar_json,
    bad_utf8, deep_json, empty, redirect, redirect_loop, redirect_metadata, error_500, unavailable,
    too_many, unauthorized, forbidden, echo_secret, two_lengths, endless_pages)}


class Request:
    """One request as it came: method, path, headers (names in small letters), body."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class FaultySource:
    """Starts in a thread of its own; `requests` holds what came, `sent` the bytes of huge answers.
    Answers before `after` requests have passed come from `first` (so that a login succeeds and
    the data call fails)."""

    def __init__(self, directory=None, tls=False, behaviour="html", elsewhere="http://127.0.0.1:9/"):
        self.behaviour = behaviour
        self.elsewhere = elsewhere
        self.requests = []
        self.sent = 0
        self.tls = tls
        self.port = None
        self.certificate = None
        self.first, self.after = None, 0
        self._directory = Path(directory) if directory else None
        self._ready = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def behave(self, name, first=None, after=0):
        """From now on answers as BEHAVIOURS[name]; the first `after` requests as `first`."""
        if name not in BEHAVIOURS or (first and first not in BEHAVIOURS):
            raise KeyError(name)
        if name == "gzip_bomb":
            bomb()  # here, so that the answer itself is at once
        self.behaviour, self.first, self.after = name, first, after
        self.requests.clear()
        self.sent = 0

    def start(self):
        self._thread.start()
        self._ready.wait(10)
        if self._failure:
            raise self._failure
        return self

    def stop(self):
        if self._thread.is_alive() and self._ready.is_set():
            self._loop.call_soon_threadsafe(self.closing.set)
            self._thread.join(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()

    def _run(self):
        try:
            asyncio.run(self._serve())
        except Exception as error:  # handed to start(), which raises it in the caller's thread
            self._failure = error
            self._ready.set()

    def _context(self):
        key = self._directory / "faulty-key.pem"
        self.certificate = self._directory / "faulty-cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=faulty",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key),
                        "-out", str(self.certificate)], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        return context

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self.closing = asyncio.Event()
        context = self._context() if self.tls else None
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self.closing.wait()
        server.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()

    async def _connection(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError,
                                 asyncio.LimitOverrunError, asyncio.CancelledError):
            request = await self._read(reader)
            self.requests.append(request)
            last = request.path.rstrip("/").rsplit("/", 1)[-1]
            early = self.first if len(self.requests) <= self.after else None
            await BEHAVIOURS[early or (last if last in BEHAVIOURS else self.behaviour)](
                self, request, writer)
            await writer.drain()
        with contextlib.suppress(Exception):
            writer.close()

    @staticmethod
    async def _read(reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        method, path, _version = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(method, path, headers, body)
