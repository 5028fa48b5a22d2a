#!/usr/bin/env python3
"""Source systems that misbehave, for the client's tests: real sockets, real TLS, one process.

Prints "NAME PORT" for each server and "READY", serves until its standard input ends. Servers listen
on 127.0.0.1 (and ::1 where there is one). Certificates are made in the folder given as argument.
SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import gzip
import os
import socket
import ssl
import subprocess
import sys
import threading
import warnings
import zlib

FOLDER = sys.argv[1]
warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.1 is here on purpose
connections = {}


def run(*command):
    subprocess.run(command, cwd=FOLDER, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_ca(name):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
        name + ".key", "-out", name + ".pem", "-subj", "/CN=" + name, "-days", "30")


def make_certificate(name, ca, names, days):
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
        "-out", name + ".csr", "-subj", "/CN=" + name)
    with open(os.path.join(FOLDER, name + ".ext"), "w") as f:
        f.write("subjectAltName=" + names + "\n")
    sign = ["openssl", "x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key",
            "-CAcreateserial", "-extfile", name + ".ext", "-out", name + ".pem"]
    try:
        run(*sign, "-days", str(days))
    except subprocess.CalledProcessError:
        # OpenSSL 3.4 and later refuse a life that is over, and have dates instead.
        run(*sign, "-not_before", "20200101000000Z", "-not_after", "20200102000000Z")


def tls(name, maximum=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(FOLDER, name + ".pem"), os.path.join(FOLDER, name + ".key"))
    if maximum is not None:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = maximum
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def head(status, headers, length=None):
    lines = [f"HTTP/1.1 {status} X"] + headers
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(text, headers=(), status=200):
    body = text if isinstance(text, bytes) else text.encode()
    return head(status, list(headers), len(body)) + body


async def endless(writer, start, piece):
    writer.write(start)
    while True:
        writer.write(piece)
        await writer.drain()


def bomb(megabytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


BOMB = bomb(100)


async def special(path, writer, port):
    """Answers of which one connection has only one. True: known."""
    if path == "/endless-headers":
        await endless(writer, b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 1000 + b"\r\n")
    elif path == "/long-header":
        await endless(writer, b"HTTP/1.1 200 OK\r\nX-Filler: ", b"x" * 8192)
    elif path == "/continue-flood":
        await endless(writer, b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n")
    elif path == "/endless-body":
        await endless(writer, head(200, ["Transfer-Encoding: chunked"]), b"2000\r\n" + b"x" * 8192 + b"\r\n")
    elif path == "/big":
        await endless(writer, head(200, [], 100 << 20), b"x" * 65536)
    elif path == "/big-until-close":
        await endless(writer, head(200, []), b"x" * 65536)
    elif path == "/drip":
        writer.write(head(200, [], 1000))
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)
    elif path == "/hang":
        await asyncio.sleep(3600)
    elif path == "/close":
        pass
    elif path == "/half":
        writer.write(head(200, [], 100) + b"x" * 50)
    elif path == "/half-chunk":
        writer.write(head(200, ["Transfer-Encoding: chunked"]) + b"64\r\nxxxx")
    elif path == "/junk":
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    elif path == "/status-junk":
        writer.write(b"HTTP/1.1 abc OK\r\n\r\n")
    elif path == "/length-junk":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")
    elif path == "/http09":
        writer.write(b"<html>hello</html>")
    else:
        return False
    return True


def ordinary(path, method, headers, body, number, served, port):
    if path in ("/echo", "/bye"):
        return answer(f"conn={number} req={served} method={method} body={len(body)}")
    if path == "/auth":
        return answer(headers.get("authorization", "none"))
    if path == "/all-headers":
        return answer("\n".join(sorted(headers)))
    if path == "/body":
        return answer(body)
    if path == "/redirect-same":
        return answer("", ["Location: /echo"], 302)
    if path == "/redirect-relative":
        return answer("", ["Location: echo#part"], 307)
    if path == "/redirect-loop":
        return answer("", ["Location: /redirect-loop"], 301)
    if path == "/redirect-host":
        return answer("", [f"Location: http://127.0.0.2:{port}/echo"], 302)
    if path == "/redirect-metadata":
        return answer("", ["Location: http://169.254.169.254/latest/meta-data/"], 302)
    if path == "/redirect-user":
        return answer("", [f"Location: http://user:secretword@127.0.0.1:{port}/echo"], 302)
    if path == "/redirect-file":
        return answer("", ["Location: file:///etc/passwd"], 302)
    if path == "/redirect-nowhere":
        return answer("nowhere", [], 302)
    if path == "/gzip":
        return answer(gzip.compress(b"unpacked " * 1000), ["Content-Encoding: gzip"])
    if path == "/deflate":
        return answer(zlib.compress(b"unpacked " * 1000), ["Content-Encoding: deflate"])
    if path == "/bomb":
        return answer(BOMB, ["Content-Encoding: gzip"])
    if path == "/bad-gzip":
        return answer(b"this is not gzip at all", ["Content-Encoding: gzip"])
    if path == "/many-headers":
        return answer("", [f"X-{i}: y" for i in range(400)])
    if path == "/cookie":
        return answer(headers.get("cookie", "none"), ["Set-Cookie: a=b; Path=/"])
    if path == "/hundred":
        return b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n" + answer("late", ["X-Late: 2", "X-Late: 3"])
    if path == "/trailers":
        return head(200, ["Transfer-Encoding: chunked", "X-Real: 1"]) + b"4\r\nbody\r\n0\r\nX-Trailer: 2\r\n\r\n"
    if path.startswith("/size/"):
        return answer(b"x" * int(path[6:]))
    if path.startswith("/status/"):
        return answer("status", [], int(path[8:]))
    return answer("unknown", [], 404)


async def read_request(reader):
    first = await reader.readexactly(1)
    if first == b"\x16":  # TLS where plain HTTP is spoken: such servers answer with a page
        return None
    line = (first + await reader.readline()).decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while True:
        raw = (await reader.readline()).decode("latin-1").strip()
        if not raw:
            break
        name, _, value = raw.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return line[0], line[1], headers, body


async def serve(name, reader, writer):
    connections[name] = connections.get(name, 0) + 1
    number = connections[name]
    port = writer.get_extra_info("sockname")[1]
    served = 0
    try:
        while True:
            request = await read_request(reader)
            if request is None:
                writer.write(answer("bad request", ["Connection: close"], 400))
                break
            method, path, headers, body = request
            served += 1
            if await special(path, writer, port):
                break
            if path == "/once" and served > 1:
                break  # a kept-alive connection that turns out to be closed
            if path == "/once":
                writer.write(answer(f"conn={number} req={served} method={method} body={len(body)}"))
            elif path.startswith("/slow/"):
                await asyncio.sleep(int(path[6:]) / 1000)
                writer.write(answer(f"conn={number} req={served}"))
            elif method == "HEAD":
                writer.write(head(200, ["X-Head: 1"], 12345))
            else:
                writer.write(ordinary(path, method, headers, body, number, served, port))
            await writer.drain()
            if path == "/bye":
                break  # without a word about it
    except (OSError, asyncio.IncompleteReadError, ValueError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


def serve_old_tls(listener, context):
    """TLS 1.1 only, on a thread: asyncio would close without the alert that real servers send."""
    while True:
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as stream:
                stream.recv(1)
        except OSError:
            connection.close()


def start_old_tls():
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve_old_tls, args=(listener, tls("good", ssl.TLSVersion.TLSv1_1)), daemon=True).start()
    print("tls11", listener.getsockname()[1], flush=True)


async def hang(reader, writer):
    await asyncio.sleep(3600)


async def start(name, context=None, handler=None, host="127.0.0.1"):
    async def serve_named(reader, writer):
        await serve(name, reader, writer)
    server = await asyncio.start_server(handler or serve_named, host, 0, ssl=context, backlog=512)
    print(name, server.sockets[0].getsockname()[1], flush=True)
    return server


async def main():
    make_ca("ca")
    make_ca("other_ca")
    names = "DNS:localhost,IP:127.0.0.1"
    make_certificate("good", "ca", names, 30)
    make_certificate("name", "ca", "DNS:other.example", 30)
    make_certificate("expired", "ca", names, -1)
    make_certificate("untrusted", "other_ca", names, 30)
    refused = socket.socket()
    refused.bind(("127.0.0.1", 0))
    servers = [await start("plain"), await start("tls", tls("good")), await start("wrong_name", tls("name")),
               await start("expired", tls("expired")), await start("untrusted", tls("untrusted")),
               await start("tls12", tls("good", ssl.TLSVersion.TLSv1_2)), await start("hang", None, hang)]
    start_old_tls()
    try:
        servers.append(await start("plain6", None, None, "::1"))
    except OSError:
        print("plain6 0", flush=True)
    print("refused", refused.getsockname()[1], flush=True)
    print("READY 0", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
