#!/usr/bin/env python3
"""Puts the files of web/dashboard/ into a C table, so that the binary needs no files.

Usage: gen_dashboard.py WEB_DIR OUT.c DEPFILE

index.html becomes "/", every other file its own path. All of them together, compressed, must stay
under the size that a browser on a slow line loads at once: more ends the build.
SPDX-License-Identifier: Apache-2.0
"""
import gzip
import hashlib
import os
import sys

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml"}
MAX_GZIP = 150 * 1024


def literal(data):
    rows = [data[i:i + 24] for i in range(0, len(data), 24)]
    return "\n".join("    " + ",".join(str(b) for b in row) + "," for row in rows)


def main():
    folder, out_c, depfile = sys.argv[1:4]
    names = sorted(os.listdir(folder))
    unknown = [name for name in names if os.path.splitext(name)[1] not in TYPES]
    if unknown:
        sys.exit(f"web/dashboard: no type is known for {', '.join(unknown)}")
    files = [(name, open(os.path.join(folder, name), "rb").read()) for name in names]
    size = sum(len(gzip.compress(data)) for _, data in files)
    if size > MAX_GZIP:
        sys.exit(f"web/dashboard: {size} bytes compressed; at most {MAX_GZIP} are allowed")
    out = ["// Generated from web/dashboard/: do not edit.", '#include "console/files.h"', ""]
    for number, (_, data) in enumerate(files):
        out += [f"static const uint8_t file_{number}[] = {{", literal(data), "};", ""]
    out.append("const struct console_file console_files[] = {")
    for number, (name, data) in enumerate(files):
        path = "/" if name == "index.html" else f"/{name}"
        tag = hashlib.sha256(data).hexdigest()[:32]
        out.append(f'    {{"{path}", "{TYPES[os.path.splitext(name)[1]]}", "\\"{tag}\\"", '
                   f"{{file_{number}, sizeof file_{number}}}}},")
    out += ["    {0},", "};", ""]
    open(out_c, "w", encoding="utf-8").write("\n".join(out))
    paths = " ".join([folder] + [os.path.join(folder, name) for name in names])
    open(depfile, "w", encoding="utf-8").write(f"{out_c}: {paths}\n")


if __name__ == "__main__":
    main()
