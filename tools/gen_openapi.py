#!/usr/bin/env python3
"""Puts the OpenAPI documents and the API reference into a C array, plain and compressed, so that the
binary needs no files: see src/model/openapi.h.

Usage: gen_openapi.py ROOT OUT.c DEPFILE
"""
# SPDX-License-Identifier: Apache-2.0
import gzip
import hashlib
import sys
from pathlib import Path

import gen_model
import openapi_document
import openapi_examples
import openapi_page

TYPES = {"json": "application/json", "html": "text/html; charset=utf-8"}


def literal(data):
    """Bytes as string literals, which compilers read much faster than numbers."""
    out = []
    for begin in range(0, len(data), 4096):
        row = []
        for byte in data[begin:begin + 4096]:
            if byte in (0x22, 0x5c, 0x3f) or not 0x20 <= byte < 0x7f:
                row.append(f"\\{byte:03o}")
            else:
                row.append(chr(byte))
        out.append('    "' + "".join(row) + '"')
    return "\n".join(out)


def entry(number, path, kind, text, policy):
    data = text.encode("utf-8")
    packed = gzip.compress(data, 9, mtime=0)
    tag = hashlib.sha256(data).hexdigest()[:32]
    arrays = [f"static const char plain_{number}[] =", literal(data) + ";",
              f"static const char packed_{number}[] =", literal(packed) + ";", ""]
    row = (f'    {{"{path}", "{TYPES[kind]}", "W/\\"{tag}\\"", "{policy}",\n'
           f"     {{(const uint8_t *)plain_{number}, sizeof plain_{number} - 1}},\n"
           f"     {{(const uint8_t *)packed_{number}, sizeof packed_{number} - 1}}}},")
    return arrays, row


def main():
    root, out_c, depfile = sys.argv[1:4]
    documents, neutral, schema = openapi_document.make(root)
    page, policy = openapi_page.make(neutral, schema)
    nothing = "default-src 'none'; frame-ancestors 'none'"
    parts = [("/openapi.json", "json", openapi_document.text_of(documents["3.1"]), nothing),
             ("/openapi-3.0.json", "json", openapi_document.text_of(documents["3.0"]), nothing),
             ("/docs", "html", page, policy)]
    out, rows = ["// Generated from schema/: do not edit.", '#include "model/openapi.h"', ""], []
    for number, part in enumerate(parts):
        arrays, row = entry(number, *part)
        out += arrays
        rows.append(row)
    out += ["const struct openapi_document openapi_documents[OPENAPI_COUNT] = {", *rows, "};", ""]
    Path(out_c).write_text("\n".join(out), encoding="ascii")
    tools = [module.__file__ for module in (gen_model, openapi_document, openapi_examples, openapi_page)]
    inputs = " ".join([*schema.inputs, *tools, str(openapi_page.CSS)])
    Path(depfile).write_text(f"{out_c}: {inputs}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
