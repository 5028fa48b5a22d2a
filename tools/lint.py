"""`./dev lint`: every check of the sources, each on a line of its own with its time.

Quick checks come first (format, include table, budgets, banned functions, style, symbols, headers
alone, clang's own warnings), then cppcheck and clang-tidy, which keep what they found clean under
.dev/lint/ and look again only at what changed.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import c_scan

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
CACHE = ROOT / ".dev" / "lint"
PY = "/usr/bin/python3"
WORKERS = os.cpu_count() or 2
# gcc's options that clang does not know, or that need code generation.
CLANG_DROPS = {"-fstack-clash-protection", "-ftrivial-auto-var-init=zero", "-fcf-protection",
               "-MD", "-c"}


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)


def tool(name, *arguments):
    """One of the lint_*.py beside this file."""
    def check(_options):
        done = run([PY, f"tools/{name}.py", *arguments])
        return done.returncode == 0, done.stdout
    return check


def clang_format(_options):
    """Laid out as clang-format 14 does it (Debian 12); later ones break some lines elsewhere."""
    if " version 14." not in run(["clang-format", "--version"]).stdout:
        return True, ""
    files = [str(p) for p in c_scan.files(ROOT, "src", "tests")]
    done = run(["clang-format", "--dry-run", "-Werror", *files])
    return done.returncode == 0, done.stdout[-8000:] + "(./dev fmt mends this)\n"


def ensure_build():
    """compile_commands.json, the generated headers and the libraries come from the release build."""
    done = run(["./dev", "build", "--release"])
    return done.returncode == 0, done.stdout[-8000:]


def database():
    """Every source that the release build compiles: {file: arguments}; generated ones left out."""
    rows = {}
    for row in json.loads((BUILD / "compile_commands.json").read_text()):
        path = (Path(row["directory"]) / row["file"]).resolve()
        if path.suffix == ".c" and (ROOT / "src" in path.parents or ROOT / "tests" in path.parents):
            rows.setdefault(path, shlex.split(row["command"]))
    return rows


def flags(arguments, source):
    """The preprocessor and warning options of one compile command, for another front end."""
    kept, skip = [], False
    for word in arguments[1:]:
        if skip:
            skip = False
        elif word in ("-MQ", "-MF", "-o"):
            skip = True
        elif word not in CLANG_DROPS and not word.endswith(source.name) and word != "gcc":
            kept.append(word)
    return [w for w in kept if w not in ("cc", "c")]


def each(items, work):
    """Runs work(item) -> text of failure or "" on all cores; joins the failures."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return "".join(pool.map(work, items))


def headers_alone(_options):
    """Each header compiles by itself, with gcc and with clang."""
    rows = database()
    some = next(iter(rows))

    def work(job):
        compiler, header = job
        near = next((path for path in rows if Path(path).parent == header.parent), some)
        common = [w for w in flags(rows[near], near) if not w.startswith("-W")]
        done = subprocess.run([compiler, *common, "-Wall", "-Wextra", "-Werror", "-Wno-unused",
                               "-fsyntax-only", "-x", "c", str(header)], cwd=BUILD, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout if done.returncode else ""

    headers = c_scan.files(ROOT, "src", suffixes=(".h",))
    output = each([(c, h) for h in headers for c in ("gcc", "clang")], work)
    return not output, output


def clang_warnings(_options):
    """The project's warnings as clang sees them, over every source."""
    def work(item):
        path, arguments = item
        done = subprocess.run(["clang", *flags(arguments, path), "-Werror",
                               "-Wno-unknown-warning-option", "-fsyntax-only", str(path)],
                              cwd=BUILD, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return done.stdout if done.returncode else ""

    output = each(database().items(), work)
    return not output, output[-8000:]


def closure(path, seen):
    """The file and every project header that it comes to include."""
    if path in seen or not path.exists():
        return seen
    seen.add(path)
    for _line, _kind, name in c_scan.includes(path.read_text(errors="replace")):
        closure(ROOT / "src" / name, seen)
    return seen


def fingerprint(path, salt):
    """Changes with the file, its headers, and what checks it."""
    digest = hashlib.sha256(salt)
    for part in sorted(closure(path, set())):
        digest.update(str(part.relative_to(ROOT)).encode() + b"\0" + part.read_bytes())
    return digest.hexdigest()


def changed_files():
    """Sources that differ from main, or are not committed."""
    names = set()
    for command in (["git", "diff", "--name-only", "main"],
                    ["git", "ls-files", "-o", "--exclude-standard"]):
        names |= set(run(command).stdout.split())
    return {ROOT / name for name in names}


def clang_tidy(options):
    stamps = CACHE / "tidy"
    stamps.mkdir(parents=True, exist_ok=True)
    version = run(["clang-tidy", "--version"]).stdout
    salt = (ROOT / ".clang-tidy").read_bytes() + version.encode()
    todo, alive = [], set()
    for path in database():
        if ROOT / "src" not in path.parents:
            continue
        if options.changed and path not in changed_files():
            continue
        stamp = fingerprint(path, salt)
        alive.add(stamp)
        if not (stamps / stamp).exists():
            todo.append((path, stamp))

    (CACHE / "compile_commands.json").write_text(json.dumps(
        [{"directory": str(BUILD), "file": str(path),
          "arguments": ["clang", *flags(arguments, path), "-Wno-unknown-warning-option",
                        "-c", str(path)]} for path, arguments in database().items()]))

    def work(item):
        path, stamp = item
        done = run(["clang-tidy", "-p", str(CACHE), "--quiet", str(path)])
        if done.returncode:
            return done.stdout
        (stamps / stamp).touch()
        return ""

    output = each(todo, work)
    if not options.changed:
        for old in stamps.iterdir():
            if old.name not in alive:
                old.unlink()
    return not output, output[-12000:]


def cppcheck(_options):
    work = CACHE / "cppcheck"
    work.mkdir(parents=True, exist_ok=True)
    done = run(["cppcheck", "--quiet", f"--cppcheck-build-dir={work}", f"-j{WORKERS}",
                "--enable=warning,performance,portability", "--inline-suppr", "--std=c11",
                "--error-exitcode=1", "--library=tools/cppcheck.cfg",
                "--suppress=missingIncludeSystem", "--suppress=normalCheckLevelMaxBranches",
                # An array passed to be filled is "uninitialized" to it; gcc, clang and the
                # sanitizers watch that without false alarms.
                "--suppress=uninitvar",
                "--suppress=*:*/build/*", "--template={file}:{line}: {id}: {message}",
                "-Isrc", "-D_GNU_SOURCE", '-DFP_VERSION="0"', "-D__linux__", "-D__cppcheck__=1",
                "-U__clang__", "src"])
    return done.returncode == 0, done.stdout[-8000:]


def scripts(_options):
    """Shell and Python files at least parse."""
    output = run(["bash", "-n", "dev", ".ci/run"]).stdout
    for folder in ("tools", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            try:
                compile(path.read_bytes(), str(path), "exec")
            except SyntaxError as error:
                output += f"{path}:{error.lineno}: {error.msg}\n"
    return not output, output


CHECKS = [
    ("format", clang_format), ("include table", tool("lint_includes")),
    ("budgets", tool("lint_budgets")), ("banned functions", tool("lint_banned")),
    ("style", tool("lint_style")), ("scripts", scripts), ("symbols", tool("lint_symbols")),
    ("headers alone", headers_alone), ("clang warnings", clang_warnings),
    ("cppcheck", cppcheck), ("clang-tidy", clang_tidy),
]


def main():
    parser = argparse.ArgumentParser(prog="./dev lint", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without cppcheck and clang-tidy")
    parser.add_argument("--changed", action="store_true",
                        help="clang-tidy only over what differs from main")
    parser.add_argument("only", nargs="*", metavar="CHECK",
                        help="only these: " + ", ".join(n.replace(" ", "-") for n, _ in CHECKS))
    options = parser.parse_args()
    known = {name.replace(" ", "-") for name, _ in CHECKS}
    unknown = [name for name in options.only if name not in known]
    if unknown:
        parser.error(f"no check {', '.join(unknown)}")
    ok, output = ensure_build()
    if not ok:
        print(output)
        print("lint: the build failed")
        return 1
    failed = passed = 0
    for name, check in CHECKS:
        if options.only and name.replace(" ", "-") not in options.only:
            continue
        if options.quick and name in ("cppcheck", "clang-tidy"):
            continue
        start = time.monotonic()
        good, output = check(options)
        print(f"{'ok  ' if good else 'FAIL'} lint: {name} ({time.monotonic() - start:.1f} s)",
              flush=True)
        if not good:
            print(output, flush=True)
        passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
