"""`./dev test`: both builds, the unit tests in both, the integration tests against the release and the
sanitizer binary, a replay of every fuzz corpus, the tests of the lint tools, lint. The last line
is `N passed, N failed`; no test executed is a failure too."""
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fuzz

ROOT = Path(__file__).resolve().parent.parent
PY = "/usr/bin/python3"
LOGS = ROOT / ".dev" / "test"
ARTIFACTS = ROOT / "tests" / "artifacts"
KINDS = ("release", "asan")
SUITES = ("unit", "integration", "web", "fuzz", "tools", "lint")
# Parts of the suites by themselves: unit tests of a folder, integration tests by their name.
PARTS = ("store",)
# Found by a sanitizer: the process must not go on, and its exit code must be seen.
SANITIZERS = {"ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:strict_string_checks=1",
              "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
# Rooms and commands close themselves in, /proc included, which the search for leaks would need: the
# unit tests look for leaks.
CONFINED = {**SANITIZERS, "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"].replace(
    "detect_leaks=1", "detect_leaks=0")}


class Tally:
    """Counts and prints; one lock, since stages run side by side."""

    def __init__(self):
        self.passed = self.failed = 0
        self._lock = threading.Lock()

    def stage(self, name, passed, failed, seconds, log="", skipped=0):
        with self._lock:
            self.passed += passed
            self.failed += failed
            skip = f", {skipped} skipped" if skipped else ""
            print(f"{'FAIL' if failed else 'ok  '} {name}: {passed} passed, {failed} failed{skip} "
                  f"({seconds:.0f} s)", flush=True)
            if failed and log:
                print(log, flush=True)


def say(text):
    print(f"==> {text}", flush=True)


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)


# -- unit tests -----------------------------------------------------------------------------------
def count_cmocka(result):
    """(passed, failed) of one test program, from what cmocka printed and how it ended."""
    text = result.get("stdout", "") + result.get("stderr", "")
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", text)))
    failed = sum(map(int, re.findall(r"\[  FAILED  \] (?:\w+: )?(\d+) test", text)))
    if result.get("result") != "OK" and failed == 0:
        failed = 1  # it crashed, timed out, or a sanitizer stopped it
    return passed, failed


def unit(kind, tally, only=()):
    start = time.monotonic()
    build = ROOT / "build" / kind
    logbase = f"unit-{kind}"
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--suite", "unit", "--logbase",
               logbase, "--num-processes", str(os.cpu_count() or 2), *only]
    if kind == "asan":
        command += ["--timeout-multiplier", "4"]
    done = run(command, env={**os.environ, **SANITIZERS})
    path = build / "meson-logs" / f"{logbase}.json"
    passed = failed = 0
    log = ""
    results = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for result in results:
        good, bad = count_cmocka(result)
        passed, failed = passed + good, failed + bad
        if bad:
            text = result.get("stdout", "") + result.get("stderr", "")
            log += f"--- {result['name']}: {result['result']}\n{text[-4000:]}\n"
    if done.returncode and failed == 0:
        failed, log = 1, done.stdout[-4000:]
    tally.stage(f"unit tests, {kind}", passed, failed, time.monotonic() - start, log)


# -- pytest ---------------------------------------------------------------------------------------
def pytest(name, paths, tally, extra=(), environment=None):
    start = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    report = LOGS / (re.sub(r"\W+", "-", name) + ".xml")
    report.unlink(missing_ok=True)
    done = run([PY, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "-o",
                "junit_family=xunit2", f"--junitxml={report}", *extra, *paths],
               env={**os.environ, **(environment or {})})
    passed = failed = skipped = 0
    if report.exists():
        for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
            bad = int(suite.get("failures")) + int(suite.get("errors"))
            skipped += int(suite.get("skipped"))
            failed += bad
            passed += int(suite.get("tests")) - bad - int(suite.get("skipped"))
    if done.returncode not in (0, 5) and failed == 0:
        failed = 1
    tally.stage(name, passed, failed, time.monotonic() - start, done.stdout[-20000:], skipped)


def integration(kind, tally, paths=("tests/integration",), extra=()):
    binary = ROOT / "build" / kind / "fishplate"
    pytest(f"integration, {kind}", paths, tally, extra,
           {"FISHPLATE_BINARY": str(binary), "FISHPLATE_KIND": kind,
            **(CONFINED if kind == "asan" else {})})


# -- browser --------------------------------------------------------------------------------------
def web(tally, paths=("tests/web",), extra=()):
    """Playwright's Python package lies in .dev/web, pinned; the browser is Debian's."""
    folder, wanted = ROOT / ".dev" / "web", (ROOT / "tests/web/requirements.txt").read_text()
    stamp = folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        say("fetching Playwright into .dev/web")
        shutil.rmtree(folder, ignore_errors=True)
        done = run([PY, "-m", "pip", "install", "-q", "--no-cache-dir", "--only-binary=:all:",
                    "--target", str(folder), "-r", "tests/web/requirements.txt"])
        if done.returncode:
            tally.stage("browser", 0, 1, 0, done.stdout[-8000:])
            return
        stamp.write_text(wanted)
    pytest("browser", list(paths), tally, extra,
           {"FISHPLATE_BINARY": str(ROOT / "build/release/fishplate")})


# -- the rest -------------------------------------------------------------------------------------
def replay(tally, seconds=3):
    start = time.monotonic()
    problem = fuzz.build()
    if problem:
        tally.stage("fuzz replay", 0, 1, time.monotonic() - start, problem)
        return
    results = fuzz.replay_all(seconds)
    bad = [(name, log) for name, good, log in results if not good]
    tally.stage("fuzz replay", len(results) - len(bad), len(bad), time.monotonic() - start,
                "\n".join(f"--- {name}\n{log}" for name, log in bad))


def lint(tally):
    start = time.monotonic()
    done = run([PY, "tools/lint.py"])
    lines = done.stdout.splitlines()
    last = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1]) if lines else None
    passed, failed = (int(last.group(1)), int(last.group(2))) if last else (0, 1)
    if done.returncode and not failed:
        failed = 1
    tally.stage("lint", passed, failed, time.monotonic() - start, done.stdout[-20000:])


def make_template():
    """The seeded Tryton takes a minute of one core when it is made; both builds hide it."""
    return run([PY, "tests/systems/tryton.py"])


def prepare(tally, with_template):
    start = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        template = pool.submit(make_template) if with_template else None
        say("building build/release and build/asan")
        done = run(["./dev", "build"])
        if done.returncode:
            tally.stage("build", 0, 1, time.monotonic() - start, done.stdout[-20000:])
            return False
        say(f"built ({time.monotonic() - start:.0f} s)")
        if template:
            result = template.result()
            if result.returncode:
                tally.stage("Tryton template", 0, 1, time.monotonic() - start,
                            result.stdout[-8000:])
                return False
            say(f"Tryton is seeded ({time.monotonic() - start:.0f} s)")
    return True


def side_by_side(*jobs):
    with ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(*job) for job in jobs]:
            future.result()


def run_suites(suites, tally, extra):
    if "unit" in suites:
        for kind in KINDS:
            unit(kind, tally)
    if "tools" in suites:
        pytest("tests of the tools", ["tests/lint", "tests/dev", "tests/openapi"], tally)
    if "integration" in suites:
        side_by_side(*[(integration, kind, tally, ("tests/integration",), extra)
                       for kind in KINDS])
    if "web" in suites:
        web(tally, extra=extra)
    if "fuzz" in suites:
        replay(tally)
    if "lint" in suites:
        lint(tally)


def run_part(part, tally, extra):
    for kind in KINDS:
        tests = json.loads(run(["meson", "introspect", "--tests", f"build/{kind}"]).stdout)
        unit(kind, tally, [test["name"] for test in tests
                           if test["name"].startswith(f"test_{part}_")])
    paths = sorted(str(path.relative_to(ROOT))
                   for path in (ROOT / "tests" / "integration").glob(f"test_{part}_*.py"))
    if paths:
        side_by_side(*[(integration, kind, tally, paths, extra) for kind in KINDS])


def run_file(path, tally, extra):
    """One file: a unit test by its C source, an integration test by its Python source."""
    if path.suffix == ".c":
        for kind in KINDS:
            unit(kind, tally, (path.stem,))
    elif "integration" in path.parts:
        side_by_side(*[(integration, kind, tally, (str(path),), extra) for kind in KINDS])
    elif "web" in path.parts:
        web(tally, (str(path),), extra)
    else:
        pytest(path.name, [str(path)], tally, extra)


def parse():
    parser = argparse.ArgumentParser(
        prog="./dev test", description=__doc__,
        epilog="A FILE is tests/unit/.../test_x.c or tests/integration/test_x.py,\n"
               "or tests/web/test_x.py.")
    parser.add_argument("what", nargs="*", metavar="SUITE|FILE",
                        help=f"suites: {', '.join(SUITES)}; all of them where nothing is named; "
                             f"or a part of them: {', '.join(PARTS)}")
    parser.add_argument("-k", metavar="EXPRESSION", help="only integration tests of that name")
    parser.add_argument("-x", action="store_true", help="stop an integration run at a failure")
    options = parser.parse_args()
    for word in options.what:
        if word not in SUITES + PARTS and not (ROOT / word).exists():
            parser.error(f"{word} is neither a suite nor a file")
    return options


def main():
    options = parse()
    start = time.monotonic()
    extra = (["-k", options.k] if options.k else []) + (["-x"] if options.x else [])
    suites = [word for word in options.what if word in SUITES]
    parts = [word for word in options.what if word in PARTS]
    files = [Path(word) for word in options.what if word not in SUITES + PARTS]
    if not options.what:
        suites = list(SUITES)
    tally = Tally()
    needs_tryton = parts or {"integration", "web", "tools"} & set(suites) or any(
        {"integration", "web"} & set(f.parts) for f in files)
    if prepare(tally, needs_tryton):
        run_suites(suites, tally, extra)
        for part in parts:
            run_part(part, tally, extra)
        for path in files:
            run_file(path, tally, extra)
    say(f"took {time.monotonic() - start:.0f} s")
    if tally.passed + tally.failed == 0:
        print("no test was executed, which counts as a failure")
        tally.failed = 1
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
