"""The second proof of the include table: what the built libraries and the program really hold.

Reads `nm` of the static libraries in a build directory. A folder's library may leave undefined only
what a folder that it may include defines (or the C library and its libraries define), and the
gateway's may name no symbol of keys, store or audit, the vault's none of http or client, and so on
for every `!never` pair of include-rules.
Usage: lint_symbols.py [ROOT [BUILD]]
"""
# SPDX-License-Identifier: Apache-2.0
import re
import subprocess
import sys
from pathlib import Path

import c_scan
import lint_includes

LINE = re.compile(r"^(?:[0-9a-f]+)?\s+([A-Za-z])\s+(\S+)$")


def symbols(archive):
    """(defined, undefined) global names of one static library."""
    done = subprocess.run(["nm", "--quiet", str(archive)], capture_output=True, text=True,
                          check=True)
    defined, undefined = set(), set()
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        if match and match.group(1) in "Uw":
            undefined.add(match.group(2))
        elif match and match.group(1).isupper():
            defined.add(match.group(2))
    return defined, undefined - defined


def check(rules, tables, report, root):
    """Every undefined name that some folder of ours defines must be of a folder in its row."""
    owner = {name: folder for folder, (defined, _) in tables.items() for name in defined}
    for folder, (_defined, undefined) in tables.items():
        banned = set(rules.never.get(folder, []))
        allowed = set(rules.folders.get(folder, [])) | {folder}
        for name in sorted(undefined):
            other = owner.get(name)
            prefix = name.split("_", 1)[0]
            if other is not None and other not in allowed:
                report.add(root / "src" / folder, 1, "symbols",
                           f"the library uses {name}() of {other}, which {folder} may not include")
            elif other is None and prefix in banned:
                report.add(root / "src" / folder, 1, "symbols",
                           f"the library uses {name}, a name of {prefix}, which is never allowed")


def run(root, build):
    root, build = Path(root).resolve(), Path(build)
    report = c_scan.Report(root)
    rules = lint_includes.read_rules(root / "include-rules", report)
    tables = {}
    for folder in rules.folders:
        archive = build / f"libfp_{folder}.a"
        if archive.exists():
            tables[folder] = symbols(archive)
    if not tables:
        report.add(build, 1, "symbols", "no libraries here: build first (./dev build --release)")
    check(rules, tables, report, root)
    return report


if __name__ == "__main__":
    ROOT = sys.argv[1] if len(sys.argv) > 1 else "."
    BUILD = sys.argv[2] if len(sys.argv) > 2 else Path(ROOT) / "build" / "release"
    sys.exit(run(ROOT, BUILD).finish("symbols"))
