"""Between: a proxy in front of a real source that lets requests pass until it is told to misbehave.

So a log-in is the real system's, and the call behind it meets a fault; and what Fishplate sends is
seen: which requests, on which of its connections, with which session. Faults are those of faulty.py.
"""
# SPDX-License-Identifier: Apache-2.0
import asyncio
import contextlib
import json
import urllib.parse

from tests.systems.faulty import BEHAVIOURS, FaultySource


class Between(FaultySource):
    """`target` is the real source's address. `misbehave(name)` answers calls as BEHAVIOURS[name]
    from now on (log-ins too with `logins=True`), only the next `times` ones where given;
    `misbehave(None)` lets everything pass. While `holding` is true nothing passes and all wait.
    `calls` lists (connection, method, authorization)."""

    def __init__(self, target, directory=None, tls=False):
        super().__init__(directory, tls)
        parts = urllib.parse.urlsplit(target)
        self.host, self.target_port = parts.hostname, parts.port
        self.calls, self.bodies = [], []
        self.accepted = 0
        self.pause, self.holding = 0.0, False
        self._fault, self._times, self._logins, self._method = None, None, False, None

    def misbehave(self, name, times=None, logins=False):
        if name is not None and name not in BEHAVIOURS:
            raise KeyError(name)
        self._fault, self._times, self._logins, self._method = name, times, logins, None

    def misbehave_at(self, method, name):
        """Answers every call of this one method as BEHAVIOURS[name]; "pass_then_hang" lets the real
        source do it and keeps its answer back."""
        self.misbehave(None if name == "pass_then_hang" else name)
        self._fault, self._method = name, method

    def methods(self, naming=""):
        """The methods called, in order; with `naming`, only the calls whose body has that text."""
        return [call[1] for call, body in zip(self.calls, self.bodies) if naming in body]

    def forget(self):
        self.calls.clear()
        self.bodies.clear()

    def logins(self):
        return self.methods().count("common.db.login")

    def _take_fault(self, method):
        if self._method not in (None, method):
            return None
        if self._fault is None or (method == "common.db.login" and not self._logins):
            return None
        if self._times is not None:
            if self._times == 0:
                return None
            self._times -= 1
        return self._fault

    async def _ask(self, request):
        """The real source's answer, as it came."""
        reader, out = await asyncio.open_connection(self.host, self.target_port)
        try:
            head = f"{request.method} {request.path} HTTP/1.1\r\n"
            for name, value in request.headers.items():
                if name not in ("connection", "accept-encoding"):
                    head += f"{name}: {value}\r\n"
            out.write((head + "connection: close\r\n\r\n").encode("latin-1") + request.body)
            await out.drain()
            return await reader.read()
        finally:
            out.close()

    async def _pass_on(self, request, writer):
        answer = await self._ask(request)
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n")
                 if line.split(b":")[0].lower() not in (b"connection", b"content-length")]
        lines.append(b"Content-Length: %d" % len(body))
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    async def _connection(self, reader, writer):
        self.accepted += 1
        number = self.accepted
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError,
                                 asyncio.LimitOverrunError, asyncio.CancelledError):
            while True:
                request = await self._read(reader)
                method = str(json.loads(request.body or b"{}").get("method"))
                self.requests.append(request)
                self.calls.append((number, method, request.headers.get("authorization", "")))
                self.bodies.append(request.body.decode("utf-8", "replace"))
                if self.pause:
                    await asyncio.sleep(self.pause)
                while self.holding and not self.closing.is_set():
                    await asyncio.sleep(0.02)
                fault = self._take_fault(method)
                if fault == "pass_then_hang":
                    await self._ask(request)
                    fault = "hang"
                if fault is not None:
                    await BEHAVIOURS[fault](self, request, writer)
                    await writer.drain()
                    break
                await self._pass_on(request, writer)
                await writer.drain()
        with contextlib.suppress(Exception):
            writer.close()
