#!/usr/bin/env python3
"""Puts the connect pages of web/connect/ into a C table, so that the binary needs no files.

Usage: gen_web.py WEB_DIR OUT.c DEPFILE

messages.json has every text in every language. index.html and end.html are templates: {{name}}
becomes a text of the language (escaped); end.html is filled once for each way a link has ended. A
text that one language lacks, or a name that no language has, ends the build.
SPDX-License-Identifier: Apache-2.0
"""
import html
import json
import os
import re
import sys

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".json": "application/json", ".html": "text/html; charset=utf-8",
         ".svg": "image/svg+xml"}
ENDS = ("used", "expired", "exhausted", "unknown", "busy")


def literal(data):
    rows = [data[i:i + 24] for i in range(0, len(data), 24)]
    return "\n".join("    " + ",".join(str(b) for b in row) + "," for row in rows)


def fill(template, texts, language, values):
    def text(match):
        name = values.get(match[1], match[1])
        if name == "language":
            return language
        return html.escape(texts[name], quote=True)

    return re.sub(r"\{\{([a-z0-9_.]+)\}\}", text, template)


def check(messages):
    names = {language: set(texts) for language, texts in messages.items()}
    everything = set.union(*names.values())
    for language, have in names.items():
        if everything - have:
            sys.exit(f"messages.json: {language} lacks {', '.join(sorted(everything - have))}")


def pages(folder, messages):
    index = open(os.path.join(folder, "index.html"), encoding="utf-8").read()
    end = open(os.path.join(folder, "end.html"), encoding="utf-8").read()
    for language, texts in messages.items():
        yield f"index.{language}.html", fill(index, texts, language, {})
        for name in ENDS:
            values = {"end_title": f"end.{name}.title", "end_text": f"end.{name}.text",
                      "end_next": f"end.{name}.next"}
            yield f"{name}.{language}.html", fill(end, texts, language, values)


def main():
    folder, out_c, depfile = sys.argv[1:4]
    messages = json.load(open(os.path.join(folder, "messages.json"), encoding="utf-8"))
    check(messages)
    inputs = sorted(os.listdir(folder))
    files = [(name, open(os.path.join(folder, name), "rb").read()) for name in inputs
             if os.path.splitext(name)[1] in (".js", ".css", ".svg", ".json")]
    files += [(name, text.encode()) for name, text in pages(folder, messages)]
    out = ["// Generated from web/connect/: do not edit.", '#include "gateway/web_files.h"', ""]
    for number, (_, data) in enumerate(files):
        out += [f"static const uint8_t file_{number}[] = {{", literal(data), "};", ""]
    out.append("const struct web_file web_files[] = {")
    out += [f'    {{"{name}", "{TYPES[os.path.splitext(name)[1]]}", {{file_{n}, sizeof file_{n}}}}},'
            for n, (name, _) in enumerate(files)]
    out += ["    {0},", "};", ""]
    open(out_c, "w", encoding="utf-8").write("\n".join(out))
    paths = " ".join([folder] + [os.path.join(folder, name) for name in inputs])
    open(depfile, "w", encoding="utf-8").write(f"{out_c}: {paths}\n")


if __name__ == "__main__":
    main()
