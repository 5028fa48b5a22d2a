"""Checks the habits that clang-format cannot: the SPDX line and the first comment of each source,
the order of includes (own header, project, system), no path of one machine, no loose end.
Usage: lint_style.py [ROOT]
"""
# SPDX-License-Identifier: Apache-2.0
import re
import subprocess
import sys
from pathlib import Path

import c_scan

SPDX = "SPDX-License-Identifier: Apache-2.0"
MISSION_LINES = 5
# Absolute paths that only one developer's machine has; the words are cut so as not to match here.
MACHINE = re.compile(r"(?<![\w.])/(?:ho" r"me/\w|ro" r"ot/\w|wo" r"rk/|Use" r"rs/\w|mn" r"t/\w)")
LOOSE_WORDS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
PATH_ENDINGS = {".c", ".h", ".def", ".py", ".sh", ".md", ".yaml", ".yml", ".json", ".build",
                ".ts", ".tsx", ".css", ".html", ".txt", ".conf", ".mjs", ".js", ""}


def check_head(path, text, report):
    """SPDX within the first lines, and a first comment of at most five lines that says the mission."""
    tokens = c_scan.tokenize(text)
    if SPDX not in "\n".join(text.splitlines()[:MISSION_LINES + 3]):
        report.add(path, 1, "spdx", f"the line '{SPDX}' is missing at the top")
    mission, end = [], 1
    for token in tokens:
        if token.kind != "comment" or token.line > end + 1:
            break
        mission.append(token)
        end = token.line + token.text.count("\n")
    lines = [line for token in mission for line in token.text.splitlines() if SPDX not in line]
    said = re.sub(r"[/*\s]", "", "".join(lines))
    if len(said) < 10:
        report.add(path, 1, "mission", "the first comment must say what the file is for")
    elif len([line for line in lines if re.sub(r"[/*\s]", "", line)]) > MISSION_LINES:
        report.add(path, 1, "mission", f"the first comment is longer than {MISSION_LINES} lines")


def check_includes(path, text, root, report):
    """Own header first, then the project's, then the system's."""
    rows = list(c_scan.includes(text))
    relative = path.relative_to(root / "src")
    own = str(relative.with_suffix(".h"))
    inner = own.replace(".h", "_int.h")  # which itself begins with the own header
    if path.suffix == ".c" and (root / "src" / own).exists() and rows \
            and rows[0][2] not in (own, inner):
        report.add(path, rows[0][0], "include-order", f'the first include must be "{own}"')
    system = None
    for line, kind, name in rows:
        if name.endswith(".def"):
            continue
        if kind == "system":
            system = system or name
        elif system:
            report.add(path, line, "include-order", f'"{name}" stands after <{system}>')
        if ".." in name.split("/"):
            report.add(path, line, "include-order", f'"{name}": never "../"')


def tracked(root):
    """The files that are or would be committed; outside a repository all but what is made."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, text=True,
                          capture_output=True, check=False)
    names = done.stdout.splitlines()
    if done.returncode:
        made = {"build", ".dev", "node_modules", "__pycache__"}
        names = [str(p.relative_to(root)) for p in Path(root).rglob("*")
                 if p.is_file() and not made & set(p.relative_to(root).parts)]
    return [Path(root) / name for name in sorted(set(names)) if (Path(root) / name).is_file()]


def check_text(path, text, report):
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE.search(line):
            report.add(path, number, "machine-path", f"a path of one machine: {line.strip()[:80]}")
        if path.suffix in (".c", ".h", ".def", ".py") and LOOSE_WORDS.search(line):
            report.add(path, number, "loose-end", f"finish it or file it: {line.strip()[:80]}")


def run(root):
    root = Path(root).resolve()
    report = c_scan.Report(root)
    for path in c_scan.files(root, "src", "tests", suffixes=(".c", ".h")):
        text = path.read_text(errors="replace")
        if c_scan.generated(path, text):
            continue
        check_head(path, text, report)
        if path.is_relative_to(root / "src"):
            check_includes(path, text, root, report)
    for path in tracked(root):
        if path.suffix in PATH_ENDINGS and path.stat().st_size < 4 << 20:
            data = path.read_bytes()
            if b"\0" not in data[:4096]:
                check_text(path, data.decode(errors="replace"), report)
    return report


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else ".").finish("style"))
