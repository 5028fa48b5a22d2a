"""`./dev bench`: CPU time per request and memory, against nginx and Node in the same run.

auth   an authenticated answer that asks no source (GET /api/integrations/current), TLS 1.3 with
       keep-alive, against nginx `return 200` of as many bytes
list   100 products as one unified list, source calls included, against the same list made by Node
       (Fastify and undici) from the same source; both answers are compared first
memory all processes of the server, idle and with 1,000 calls waiting for a slow source

Neither server writes an access log, which one line a request would be in both; the audit log is on.
The source answers bytes recorded from a real Tryton in this run (tests/bench/upstream.c). The server
under test has one core, the load and the source the other; rounds are interleaved; medians.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import asyncio
import hashlib
import json
import shutil
import ssl
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import demo_check  # noqa: E402
from tests.bench import measure, servers  # noqa: E402
from tests.systems.fishplate import Fishplate  # noqa: E402
from tests.systems.tryton import Tryton  # noqa: E402

BINARY = ROOT / "build" / "release" / "fishplate"
LIST = "/api/erp/products?per_page=100"
CURRENT = "/api/integrations/current"
HELD = 1000
CUSTOMERS = 64


class Bench:
    """Everything that one run starts, in a directory that goes away with it."""

    def __init__(self, options):
        self.options = options
        self.directory = Path(tempfile.mkdtemp(prefix="fishplate-bench-"))
        self.directory.chmod(0o755)  # the egress room reads the certificate as a user of its own
        self.server_core, self.load_core = measure.cores()
        self.certificate, self.key = servers.make_certificate(self.directory)
        self.running = []
        self.began = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self.began:5.1f} s] {text}", file=sys.stderr, flush=True)

    def start(self, server):
        self.running.append(server)
        return server

    def stop(self):
        for server in reversed(self.running):
            server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def logs(self):
        """The end of each log, for a run that failed."""
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}"
                         for path in sorted(self.directory.rglob("*.log")))

    # -- making ready -------------------------------------------------------------------------
    def record(self):
        """Connects a real Tryton through a recording proxy and asks for the list once."""
        self.say("starting a real Tryton and recording what it answers")
        tryton = Tryton(self.directory / "tryton", progress=self.say)
        tryton.start()
        recorder = servers.Recorder(tryton.url, self.certificate, self.key)
        self.fishplate = Fishplate(self.directory / "fishplate", BINARY, settings={
            "egress.ca_file": self.certificate, "egress.networks": "127.0.0.0/8",
            "api.connections.total": 4096, "api.connections.per_address": 4096,
            "egress.timeouts.answer": "60s", "log.level": "warning"})
        self.fishplate.prefix = measure.pinned(self.server_core)
        self.start(self.fishplate).start()
        self.app_token = self.fishplate.app_token(self.fishplate.create_app("Bench", "test"))
        self.credentials = {"url": f"https://localhost:{recorder.port}",
                            "database": tryton.database, "username": tryton.user,
                            "password": tryton.password}
        self.token = self.connect()
        recorder.clear()
        listed = self.fishplate.get(LIST, self.token, timeout=60)
        if listed.status != 200 or len(listed.data) != 100:
            raise SystemExit(f"bench: the list failed: {listed}")
        # Not the calls of the log-in: both servers keep a session.
        self.calls = [(body, text) for body, text in recorder.order
                      if b"product.product.search_" in body]
        self.recordings = self.directory / "recordings"
        recorder.write(self.recordings)
        self.upstream_port = recorder.port
        recorder.stop()
        tryton.stop()
        return listed

    def connect(self):
        """The token of a new connection."""
        answer = self.fishplate.connect(self.app_token, self.credentials)
        if answer.status != 200:
            raise SystemExit(f"bench: connecting failed: {answer}\n{self.logs()}")
        return demo_check.connection_of(answer)["token"]

    def source(self, delay_ms=0):
        return servers.upstream(self.directory, self.upstream_port, self.certificate, self.key,
                                self.recordings, self.load_core, delay_ms)

    # -- the cases ----------------------------------------------------------------------------
    def auth(self):
        answer = self.fishplate.get(CURRENT, self.token)
        if answer.status != 200:
            raise SystemExit(f"bench: {CURRENT}: {answer}")
        nginx = self.start(servers.nginx(self.directory, self.certificate, self.key,
                                         answer.body.decode(), self.server_core))
        cases = [measure.Case("fishplate", self.fishplate.pid, self.fishplate.url + CURRENT,
                              self.token),
                 measure.Case("nginx", nginx.pid, f"https://localhost:{nginx.port}/", self.token)]
        self.say("authenticated answer, no source call: Fishplate and nginx in turns")
        self.rounds(cases)
        nginx.stop()
        return cases

    def list(self, listed):
        calls = self.directory / "calls.json"
        calls.write_text(json.dumps([body.decode() for body, _ in self.calls]))
        environment = {
            "UPSTREAM": f"https://localhost:{self.upstream_port}", "CALLS": str(calls),
            "TOKEN_SHA256": hashlib.sha256(self.token.encode()).hexdigest(),
            "PUBLIC_URL": self.fishplate.url}
        node = self.start(servers.node(self.directory, self.certificate, self.key, environment,
                                       self.server_core))
        source = self.start(self.source())
        self.compare(node, listed)
        cases = [measure.Case("fishplate", self.fishplate.pid, self.fishplate.url + LIST,
                              self.token),
                 measure.Case("node", node.pid, f"https://localhost:{node.port}{LIST}",
                              self.token)]
        self.say(f"list of 100 ({len(listed.body)} bytes, {len(self.calls)} source calls): "
                 "Fishplate and Node in turns")
        self.rounds(cases)
        node.stop()
        source.stop()
        return cases

    def compare(self, node, listed):
        """Node must answer the same document, or the comparison is worth nothing."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        from tests.systems.fishplate import Client
        with Client(("127.0.0.1", node.port), context) as client:
            theirs = client.get(LIST, self.token)
            refused = client.get(LIST, "wrong")
        if refused.status != 401:
            raise SystemExit(f"bench: Node lets a wrong token in: {refused}")
        ours = self.fishplate.get(LIST, self.token, timeout=60)
        if theirs.status != 200 or theirs.json != ours.json or ours.json != listed.json:
            differ = [(a, b) for a, b in zip(ours.json["data"], theirs.json.get("data", []))
                      if a != b][:1]
            raise SystemExit(f"bench: the two lists differ: {differ} {theirs}\n"
                             f"{ours.json['meta']} {ours.json['links']}")

    def rounds(self, cases):
        measure.interleave(cases, self.options.rounds, self.options.seconds, self.load_core,
                           self.options.connections, self.say)

    def memory(self):
        self.say(f"memory: idle, then {HELD} calls waiting for a slow source")
        self.fishplate.restart()
        time.sleep(1)
        idle, kind = measure.memory_mib(self.fishplate.pid)
        source = self.start(self.source(delay_ms=20000))
        # One connection has 16 calls at its source at most: the calls come from many customers.
        tokens = [self.connect() for _ in range(CUSTOMERS)]
        held, full = asyncio.run(self.hold(source, tokens))
        source.stop()
        return {"idle": idle, f"inflight_{HELD}": full, "inflight_calls": held, "kind": kind}

    async def hold(self, source, tokens):
        """HELD connections with one list call each; (most calls held at once, MiB then)."""
        context = self.fishplate.tls()
        gate = asyncio.Semaphore(50)
        opened = []

        async def one(token):
            async with gate:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.fishplate.port, ssl=context, server_hostname="localhost")
                opened.append(writer)
                writer.write((f"GET {LIST} HTTP/1.1\r\nHost: localhost\r\n"
                              f"Authorization: Bearer {token}\r\n\r\n").encode())
                await writer.drain()
            return await reader.readline()

        jobs = [asyncio.create_task(one(tokens[i % len(tokens)])) for i in range(HELD)]
        end, held, memory = time.monotonic() + 40, 0, 0.0
        while time.monotonic() < end and held < HELD and not all(job.done() for job in jobs):
            await asyncio.sleep(0.1)
            stats = await asyncio.to_thread(servers.upstream_stats, source, self.certificate)
            if stats["held"] > held:
                held = stats["held"]
                memory, _ = measure.memory_mib(self.fishplate.pid)
        lines = await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 120)
        for writer in opened:
            writer.close()
        good = sum(line == b"HTTP/1.1 200 OK\r\n" for line in lines)
        self.say(f"{held} calls were held at once, {good} of {HELD} answered 200")
        return held, memory


def text_of(result):
    """For people: the same figures as a table."""
    cpu, ratio, memory = result["cpu_us"], result["ratios"], result["memory_mib"]
    lines = ["CPU per request, all processes, median of the rounds:"]
    lines += [f"  {name:16} {value:8.1f} us" for name, value in cpu.items()]
    lines += ["Ratios:"] + [f"  {name:16} {value:8.2f}" for name, value in ratio.items()]
    lines += ["Memory, all processes:"]
    lines += [f"  {name:16} {value} MiB" for name, value in memory.items()
              if isinstance(value, float)]
    machine = result["machine"]
    return "\n".join([*lines, f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
                      f"Linux {machine['kernel']}"])


def update_docs(result):
    """Writes the table of docs/benchmarks.md between its two marks."""
    path = ROOT / "docs" / "benchmarks.md"
    begin, end = "written by ./dev bench --update-docs -->\n", "<!-- end of results -->"
    before, rest = path.read_text().split(begin)
    after = rest.split(end)[1]
    cpu, ratios, memory = result["cpu_us"], result["ratios"], result["memory_mib"]
    machine, versions = result["machine"], result["versions"]
    rooms = {case: ", ".join(f"{name} {value:.0f}" for name, value in shares.items() if value >= 0.5)
             for case, shares in result["rooms_us"].items()}
    table = f"""
{result['date'][:10]}, {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB,
{machine['system']}, Linux {machine['kernel']}; Fishplate {versions['fishplate']}, OpenSSL
{versions['openssl']}, nginx {versions['nginx']}, Node {versions['node']}, Fastify
{versions['fastify']}, undici {versions['undici']}. Load of the machine when it began:
{result['load_average']}.

| case | Fishplate | other | ratio |
|---|---|---|---|
| auth, CPU us per request | {cpu['auth_fishplate']} ({rooms['auth']}) | nginx {cpu['auth_nginx']} | \
{ratios['auth_vs_nginx']} |
| list of 100 ({result['list']['bytes']} bytes, {result['list']['source_calls']} source calls), \
CPU us per request | {cpu['list_fishplate']} ({rooms['list']}) | Node {cpu['list_node']} | \
{ratios['list_vs_node']} |
| memory idle, MiB ({memory['kind']}) | {memory['idle']} | | |
| memory with {memory['inflight_calls']} calls in flight, MiB | {memory[f'inflight_{HELD}']} | | |

"""
    path.write_text(before + begin + table + end + after)


def run(bench):
    load_average = Path("/proc/loadavg").read_text().split()[0]
    listed = bench.record()
    auth = bench.auth()
    listing = bench.list(listed)
    memory = bench.memory()
    cpu = {"auth_fishplate": auth[0].cpu_us, "auth_nginx": auth[1].cpu_us,
           "list_fishplate": listing[0].cpu_us, "list_node": listing[1].cpu_us}
    return {
        "cpu_us": cpu,
        "ratios": {"auth_vs_nginx": round(cpu["auth_fishplate"] / cpu["auth_nginx"], 3),
                   "list_vs_node": round(cpu["list_fishplate"] / cpu["list_node"], 3)},
        "memory_mib": memory,
        "rounds": {f"{name}_{case.name}": [round(value, 2) for value in case.figures]
                   for name, cases in (("auth", auth), ("list", listing)) for case in cases},
        "rooms_us": {"auth": auth[0].shares(), "list": listing[0].shares()},
        "requests_per_second": {f"{name}_{case.name}": sorted(case.rates)[len(case.rates) // 2]
                                for name, cases in (("auth", auth), ("list", listing))
                                for case in cases},
        "list": {"bytes": len(listed.body), "records": 100, "source_calls": len(bench.calls)},
        "machine": measure.machine(),
        "load_average": float(load_average),
        "versions": {"fishplate": (ROOT / "VERSION").read_text().strip(),
                     "nginx": measure.version("nginx", "-v"),
                     "node": measure.version("node", "--version"),
                     "fastify": package_version("fastify"), "undici": package_version("undici"),
                     "openssl": measure.version("openssl", "version"),
                     "gcc": measure.version("gcc", "-dumpfullversion"),
                     "wrk": measure.version("wrk", "-v")},
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def package_version(name):
    path = servers.NODE / "node_modules" / name / "package.json"
    return json.loads(path.read_text())["version"] if path.exists() else None


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds (5)")
    parser.add_argument("--seconds", type=int, default=4, help="length of one (4)")
    parser.add_argument("--connections", type=int, default=64, help="kept open by the load (64)")
    parser.add_argument("--update-docs", action="store_true",
                        help="write the results into docs/benchmarks.md")
    bench = Bench(parser.parse_args())
    try:
        result = run(bench)
    except RuntimeError as error:
        raise SystemExit(f"bench: {error}\n{bench.logs()}") from error
    finally:
        bench.stop()
    if bench.options.update_docs:
        update_docs(result)
    print(json.dumps(result) if bench.options.json else text_of(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
