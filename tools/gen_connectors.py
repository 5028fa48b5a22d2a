#!/usr/bin/env python3
"""Puts the definitions of connectors/ into a C array, so that the binary needs no files.

Usage: gen_connectors.py CONNECTORS_DIR OUT.c DEPFILE
SPDX-License-Identifier: Apache-2.0
"""
import os
import sys


def literal(data):
    rows = [data[i:i + 24] for i in range(0, len(data), 24)]
    return "\n".join("    " + ",".join(str(b) for b in row) + "," for row in rows)


def main():
    folder, out_c, depfile = sys.argv[1:4]
    names = sorted(n for n in os.listdir(folder) if n.endswith(".yaml"))
    out = ["// Generated from connectors/: do not edit.", '#include "mapping/builtin.h"', ""]
    for number, name in enumerate(names):
        data = open(os.path.join(folder, name), "rb").read()
        out += [f"static const uint8_t text_{number}[] = {{", literal(data), "};", ""]
    out.append("const struct mapping_builtin mapping_builtins[] = {")
    out += [f'    {{"{name}", {{text_{n}, sizeof text_{n}}}}},' for n, name in enumerate(names)]
    out += ["    {0},", "};", f"const size_t mapping_builtin_count = {len(names)};", ""]
    open(out_c, "w").write("\n".join(out))
    inputs = " ".join([folder] + [os.path.join(folder, n) for n in names])
    open(depfile, "w").write(f"{out_c}: {inputs}\n")


if __name__ == "__main__":
    main()
