"""How the benchmarks measure: CPU time of whole process trees, wrk as the load, interleaved rounds.

The server under test is pinned to one core and the load (and the source) to another; the figure is CPU
time per answered request over all processes of the server, from /proc/PID/task/*/schedstat, and of
several rounds the median. Wall-clock figures of a shared machine would say little.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import platform
import re
import statistics
import subprocess
from pathlib import Path


def tree(pid):
    """The process and all its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
                parents[int(entry.name)] = int(text.rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    found, size = {pid}, 0
    while len(found) != size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return sorted(found)


def cpu_by_name(pid):
    """CPU time in ns that the process tree has used so far, by the name of each process."""
    found = {}
    for one in tree(pid):
        try:
            name = Path(f"/proc/{one}/comm").read_text().strip()
        except OSError:
            continue
        for task in Path(f"/proc/{one}/task").glob("*/schedstat"):
            try:
                found[name] = found.get(name, 0) + int(task.read_text().split()[0])
            except OSError:
                continue
    return found


def memory_mib(pid):
    """(MiB, "pss" or "rss") of the process tree. Shared pages count once in pss, which needs the
    right to read smaps of confined processes; rss counts them in each."""
    try:
        total = 0
        for one in tree(pid):
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1))
        return round(total / 1024, 1), "pss"
    except (OSError, AttributeError):
        page = os.sysconf("SC_PAGE_SIZE")
        total = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in tree(pid))
        return round(total * page / (1 << 20), 1), "rss"


def cores():
    """(server's core, load's core); the same one where there is no second."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def pinned(core):
    """The words that start a command on one core."""
    return ["taskset", "-c", str(core)]


class Load:
    """One wrk run: requests answered, and what went wrong."""

    def __init__(self, text):
        self.requests = int(re.search(r"(\d+) requests in", text).group(1))
        rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
        self.per_second = float(rate.group(1))
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        self.bad = int(bad.group(1)) if bad else 0
        errors = re.search(r"Socket errors: (.*)", text)
        self.errors = errors.group(1) if errors else ""


def wrk(url, seconds, core, connections, token=None):
    command = [*pinned(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run([*command, url], text=True, capture_output=True, check=False,
                          timeout=seconds + 60)
    if done.returncode:
        raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
    load = Load(done.stdout)
    if load.bad or not load.requests:
        raise RuntimeError(f"{url}: {load.bad} bad answers of {load.requests}\n{done.stdout}")
    return load


class Case:
    """One server and what is asked of it."""

    def __init__(self, name, pid, url, token=None):
        self.name, self.pid, self.url, self.token = name, pid, url, token
        self.figures, self.rates, self.by_name = [], [], []

    def clear(self):
        for list_ in (self.figures, self.rates, self.by_name):
            list_.clear()

    def round(self, seconds, core, connections):
        before = cpu_by_name(self.pid)
        load = wrk(self.url, seconds, core, connections, self.token)
        after = cpu_by_name(self.pid)
        used = {name: (total - before.get(name, 0)) / 1000 / load.requests
                for name, total in after.items()}
        self.by_name.append(used)
        self.figures.append(sum(used.values()))
        self.rates.append(load.per_second)

    def shares(self):
        """{process name: median CPU in us per request}."""
        names = {name for used in self.by_name for name in used}
        return {name: round(statistics.median(used.get(name, 0.0) for used in self.by_name), 2)
                for name in sorted(names)}

    @property
    def cpu_us(self):
        return round(statistics.median(self.figures), 2)


def interleave(cases, rounds, seconds, core, connections, say):
    """A B A B ...: what disturbs the machine disturbs all of them. The first round only warms up."""
    for number in range(rounds + 1):
        for case in cases:
            case.round(seconds if number else 1, core, connections)
            if number == 0:
                case.clear()
        if number:
            say(f"round {number}: " + ", ".join(
                f"{case.name} {case.figures[-1]:.1f} us" for case in cases))


def machine():
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", info, re.M)
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {"cpu": model.group(1) if model else platform.machine(), "cores": os.cpu_count(),
            "memory_gib": round(int(memory.group(1)) / (1 << 20), 1),
            "kernel": platform.release(),
            "system": re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text()).group(1)}


def version(*command):
    """The first version number that a command prints."""
    try:
        done = subprocess.run(command, text=True, capture_output=True, check=False)
    except OSError:
        return None
    found = re.search(r"\d+(?:\.\d+)+\w*", done.stdout + done.stderr)
    return found.group(0) if found else None
