"""Enforces include-rules: which folder of src/ may include which, and which may use what library.

Reads the table in include-rules, refuses a cycle or a `!never` pair in the table itself, scans every
#include below src/, and checks that meson.build's `folders` says the same.
Usage: lint_includes.py [ROOT]
"""
# SPDX-License-Identifier: Apache-2.0
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

import c_scan

# library of include-rules -> headers that belong to it
HEADERS = {
    "openssl": ["openssl/*"],
    "curl": ["curl/*"],
    "uv": ["uv.h", "uv/*"],
    "llhttp": ["llhttp.h"],
    "nghttp2": ["nghttp2/*"],
    "zlib": ["zlib.h"],
    "sqlite": ["sqlite3.h"],
    "pq": ["libpq-fe.h", "libpq/*", "postgresql/*"],
    "fyaml": ["libfyaml.h"],
    "seccomp": ["seccomp.h", "linux/seccomp.h", "linux/filter.h", "linux/audit.h"],
    "landlock": ["linux/landlock.h"],
    "cap-ng": ["cap-ng.h"],
    "json": ["yyjson.h"],
    "argon2": ["argon2.h"],
    "p11": ["p11-kit/pkcs11.h"],
    "odbc": ["sql.h", "sqlext.h", "sqltypes.h", "odbcinst.h"],
    "xml": ["libxml/*", "libxml2/*"],
}
FOLDER_ROW = re.compile(r"^\s*\['([\w-]+)',\s*\[([^\]]*)\],\s*\[([^\]]*)\]\]", re.M)


class Rules:
    """The table: folder -> (folders, libraries), the forbidden pairs, and the line of each row."""

    def __init__(self):
        self.folders, self.libraries, self.never, self.lines = {}, {}, {}, {}


def read_rules(path, report):
    """Reads the table; what does not fit its form is a finding."""
    rules = Rules()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        never = re.fullmatch(r"!never\s+([\w-]+):\s*(.*)", line)
        if never:
            rules.never.setdefault(never.group(1), []).extend(never.group(2).split())
            rules.lines[f"!never {never.group(1)}"] = number
            continue
        row = re.fullmatch(r"([\w-]+):([^|]*)\|(.*)", line)
        if not row:
            report.add(path, number, "include-rules", f"not a row of the table: {line}")
            continue
        if row.group(1) in rules.folders:
            report.add(path, number, "include-rules", f"second row for {row.group(1)}")
        rules.folders[row.group(1)] = row.group(2).split()
        rules.libraries[row.group(1)] = row.group(3).split()
        rules.lines[row.group(1)] = number
    return rules


def reachable(rules, folder):
    """Every folder that `folder` comes to include, directly or through others."""
    seen, todo = set(), list(rules.folders.get(folder, []))
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += rules.folders.get(name, [])
    return seen


def check_table(path, rules, report):
    """The table itself: known names, no cycle, no forbidden pair, direct or through another."""
    for folder, others in rules.folders.items():
        line = rules.lines[folder]
        for other in others:
            if other not in rules.folders:
                report.add(path, line, "include-rules", f"{folder}: unknown folder {other}")
        for library in rules.libraries[folder]:
            if library not in HEADERS:
                report.add(path, line, "include-rules", f"{folder}: unknown library {library}")
        if folder in reachable(rules, folder):
            report.add(path, line, "include-cycle",
                       f"{folder} comes to include itself: {' -> '.join(_cycle(rules, folder))}")
    for folder, banned in rules.never.items():
        line = rules.lines[f"!never {folder}"]
        if folder not in rules.folders:
            report.add(path, line, "include-rules", f"!never names the unknown folder {folder}")
        for name in banned:
            if name in reachable(rules, folder):
                report.add(path, line, "include-never",
                           f"{folder} must never come to include {name}, and the table lets it")


def _cycle(rules, folder):
    """One shortest way from `folder` back to itself."""
    ways, seen = [[folder]], set()
    while ways:
        way = ways.pop(0)
        for other in rules.folders.get(way[-1], []):
            if other == folder:
                return [*way, folder]
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return [folder, folder]


def library_of(header):
    """The name in include-rules of the library that this header belongs to, or None."""
    for library, patterns in HEADERS.items():
        if any(fnmatch(header, pattern) for pattern in patterns):
            return library
    return None


def check_file(path, folder, rules, report, root):
    """Every include of one source against the row of its folder."""
    text = path.read_text(errors="replace")
    for line, kind, name in c_scan.includes(text):
        library = library_of(name)
        if library:
            if library not in rules.libraries[folder]:
                users = [f for f, names in rules.libraries.items() if library in names]
                report.add(path, line, "include-library",
                           f"{folder} may not use {library} (<{name}>); it belongs to "
                           f"{', '.join(users) or 'nobody'}")
            continue
        if kind == "system":
            if (root / "src" / name).exists():
                report.add(path, line, "include-form", f'write "{name}", not <{name}>')
            continue
        other = name.split("/", 1)[0] if "/" in name else None
        if other is None or ".." in name.split("/"):
            report.add(path, line, "include-form",
                       f'"{name}" does not name its folder: write "folder/file.h"')
        elif other != folder and other not in rules.folders:
            report.add(path, line, "include-folder", f'"{name}": {other} is no folder of the table')
        elif other != folder and other not in rules.folders[folder]:
            report.add(path, line, "include-folder",
                       f"{folder} may not include {other}; it may: "
                       f"{', '.join(rules.folders[folder]) or 'nothing'}")


def check_meson(path, rules, report):
    """meson.build links each folder against what it may include: the rows must be the same."""
    text = path.read_text()
    rows = {}
    for match in FOLDER_ROW.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        folders = re.findall(r"'([\w-]+)'", match.group(2))
        libraries = re.findall(r"'([\w-]+)'", match.group(3))
        rows[match.group(1)] = (line, folders, libraries)
    for folder in rules.folders:
        if folder == "main":
            continue
        if folder not in rows:
            report.add(path, 1, "meson-folders", f"{folder} of include-rules is not built")
            continue
        line, folders, libraries = rows[folder]
        if sorted(folders) != sorted(rules.folders[folder]):
            differ = sorted(set(folders) ^ set(rules.folders[folder]))
            report.add(path, line, "meson-folders",
                       f"{folder}: differs from include-rules in {', '.join(differ)}")
        # A library that no file uses yet may be missing in the build, never the other way round.
        extra = sorted(set(libraries) - set(rules.libraries[folder]))
        if extra:
            report.add(path, line, "meson-folders",
                       f"{folder}: include-rules does not give it {', '.join(extra)}")
    for folder, (line, _folders, _libraries) in rows.items():
        if folder not in rules.folders:
            report.add(path, line, "meson-folders", f"{folder} has no row in include-rules")


def run(root):
    root = Path(root)
    report = c_scan.Report(root)
    table = root / "include-rules"
    rules = read_rules(table, report)
    check_table(table, rules, report)
    if (root / "meson.build").exists():
        check_meson(root / "meson.build", rules, report)
    for path in c_scan.files(root, "src", suffixes=(".c", ".h", ".def")):
        folder = path.relative_to(root / "src").parts[0]
        if folder not in rules.folders:
            report.add(path, 1, "include-folder", f"src/{folder} has no row in include-rules")
            continue
        check_file(path, folder, rules, report, root)
    return report


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else ".").finish("include table"))
