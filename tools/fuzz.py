"""`./dev fuzz`: runs the libFuzzer targets of tests/fuzz against the folders' libraries, built with
clang, AddressSanitizer and UndefinedBehaviorSanitizer in build/fuzz. What is found new stays under
.dev/fuzz/NAME; a crash is written to tests/artifacts/fuzz/ and ends with exit code 1."""
# SPDX-License-Identifier: Apache-2.0
import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "fuzz"
SOURCES = ROOT / "tests" / "fuzz"
ARTIFACTS = ROOT / "tests" / "artifacts" / "fuzz"


def names():
    return sorted(path.stem[len("fuzz_"):] for path in SOURCES.glob("fuzz_*.c"))


def build():
    """Configures build/fuzz (again where targets came or went) and builds; "" or what went wrong."""
    known = BUILD / "targets"
    text = " ".join(names())
    if not (BUILD / "build.ninja").exists():
        command = ["meson", "setup", str(BUILD), "--buildtype=debugoptimized", "-Dfuzz=true",
                   "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dwerror=false"]
    elif not known.exists() or known.read_text() != text:
        command = ["meson", "setup", "--reconfigure", str(BUILD)]
    else:
        command = None
    if command:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "CC": "clang"}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            return done.stdout[-4000:]
        known.write_text(text)
    done = subprocess.run(["ninja", "-C", str(BUILD), "fuzzers"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout[-6000:] if done.returncode else ""


def run(name, seconds, replay=False):
    """(True or False, log). A replay runs the seeds and then `seconds` of mutation, with a fixed
    start so that a failure repeats; else what earlier runs found is used and kept too."""
    corpus = SOURCES / "corpus" / name
    found = ROOT / ".dev" / "fuzz" / ("replay-" + name if replay else name)
    if replay:
        shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True, exist_ok=True)
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    command = [str(BUILD / "tests" / "fuzz" / f"fuzz_{name}"), f"-max_total_time={seconds}",
               f"-artifact_prefix={ARTIFACTS}/{name}-", "-timeout=10", "-rss_limit_mb=1024",
               "-print_final_stats=1", "-verbosity=1"]
    if not corpus.is_dir():
        return False, f"no seed corpus in tests/fuzz/corpus/{name}\n"
    # libFuzzer writes what it finds new into the first folder.
    command += [*(["-seed=1"] if replay else []), str(found), str(corpus)]
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT, errors="replace")
    return done.returncode == 0, done.stdout[-6000:]


def executed(log):
    for line in log.splitlines():
        if line.startswith("stat::number_of_executed_units:"):
            return int(line.split(":")[-1])
    return 0


def replay_all(seconds=3):
    """Every target for a few seconds; a list of (name, good, log)."""
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = list(pool.map(lambda name: run(name, seconds, replay=True), names()))
    return [(name, good, log) for name, (good, log) in zip(names(), results)]


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="targets: " + ", ".join(names()))
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="for each (60)")
    options = parser.parse_args()
    unknown = set(options.name) - set(names())
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    print("building build/fuzz", flush=True)
    problem = build()
    if problem:
        print(problem)
        return 1
    failed = 0
    for name in options.name or names():
        start = time.monotonic()
        good, log = run(name, options.seconds)
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} fuzz: {name}, {executed(log)} inputs in "
              f"{time.monotonic() - start:.0f} s", flush=True)
        if not good:
            print(log)
    print(f"{len(options.name or names()) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
