#!/usr/bin/env python3
"""Writes the parts of docs/ that are made of data: errors.md from src/base/errors.def, limits.md
from src/base/limits.def, and the reference part of api.md from schema/.

Usage: gen_docs.py [--check]    (--check writes nothing and fails when a file is not as it would be)
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import ast
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MARK = "<!-- Made by tools/gen_docs.py from here to the end: change schema/, then run it. -->\n"
MADE = "<!-- Made by tools/gen_docs.py from {source}: change that, then run it. -->\n"
DOMAINS = {"eam": "EAM", "erp": "ERP", "wms": "WMS"}
TYPES = {"key": "text", "text": "text", "number": "number", "boolean": "boolean",
         "time": "time", "ref": "text", "refs": "list of texts", "texts": "list of texts",
         "any": "any"}


def rows_of(name, macro):
    """The rows of a .def file with the heading above each: [(heading, [arguments])]."""
    heading, found = "", []
    pattern = re.compile(rf"{macro}\((\w+), (.*)\)\s*$")
    for line in (ROOT / "src" / "base" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("// -- "):
            heading = line[len("// -- "):].strip()
        elif match := pattern.match(line):
            found.append((heading, [match.group(1), *ast.literal_eval(f"({match.group(2)})")]))
        elif line.startswith(macro):
            sys.exit(f"{name}: this row cannot be read: {line}")
    return found


def groups(rows):
    """[(heading, [arguments, ...])] in the order of the file."""
    out = []
    for heading, arguments in rows:
        if not out or out[-1][0] != heading:
            out.append((heading, []))
        out[-1][1].append(arguments)
    return out


def title(text):
    return text[0].upper() + text[1:]


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(item) for item in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# -- errors and limits ------------------------------------------------------------------------------
ERRORS_HEAD = """# Errors

Every answer that is not a success has this body, whatever went wrong:

```json
{"message": "The token was revoked.", "code": "TOKEN_REVOKED", "type": "authentication",
 "request_id": "req_...", "next_step": "Issue a new token for the connection.", "details": {...}}
```

`code` is what a program decides by: a code never changes its meaning. `message` and `next_step` are
for people. `details` holds the evidence where there is some, otherwise it is an empty object. A 422
has `errors` besides: the name of each wrong parameter or field, with the reasons as a list of texts.
`request_id` is the same as in the header `X-Request-Id`; name it when you ask for help.

Every 401 has `WWW-Authenticate: Bearer` (RFC 6750). 429 and 503 have `Retry-After` where a time is
known. The token endpoint answers in the form of RFC 6749 (`error`, `error_description`) with `code` and
`request_id` besides.
"""
INSIDE = """
These are the words of the command line, of the log and of the audit log. A caller of the API sees
`INTERNAL` or one of the codes above in their place.
"""


def errors_md():
    parts = [MADE.format(source="src/base/errors.def"), ERRORS_HEAD]
    for heading, rows in groups(rows_of("errors.def", "FP_ERROR")):
        inside = heading.startswith("inside")
        parts.append(f"\n## {title(heading.split(':')[0])}\n")
        parts.append(INSIDE if inside else "")
        parts.append("\n" + table(("code", "status", "type", "meaning", "next step"),
                                  [(f"`{symbol}`", status, kind, message, step)
                                   for symbol, status, kind, message, step in rows]))
    return "".join(parts)


def in_words(value, unit):
    """"16 KiB" for 16384 bytes, "10 s" for 10000 ms; empty where the number says it already."""
    if unit == "bytes":
        for size, word in ((1 << 20, "MiB"), (1 << 10, "KiB")):
            if value >= size and value % size == 0:
                return f"{value // size} {word}"
    if unit == "ms" and value >= 1000 and value % 1000 == 0:
        seconds = value // 1000
        return f"{seconds // 60} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"
    return ""


def limits_md():
    parts = [MADE.format(source="src/base/limits.def"), "# Limits\n\n",
             "Every buffer, queue and wait of the server ends somewhere; here is where, and why "
             "there. A row\nthat says \"default\" can be changed in `fishplate.yaml` "
             "([configuration](configuration.md)).\n"]
    for heading, rows in groups(rows_of("limits.def", "FP_LIMIT")):
        parts.append(f"\n## {title(heading)}\n\n")
        parts.append(table(("limit", "value", "", "why"),
                           [(f"`{symbol}`", f"{value:,} {unit}", in_words(value, unit), why)
                            for symbol, value, unit, why in rows]))
    return "".join(parts)


# -- the API ------------------------------------------------------------------------------------------
def load_schema():
    entities = {}
    for path in sorted((ROOT / "schema" / "entities").glob("*.json")):
        entity = json.loads(path.read_text(encoding="utf-8"))
        entities[entity["name"]] = entity
    return entities, json.loads((ROOT / "schema" / "operations.json").read_text(encoding="utf-8"))


def link(entity):
    return f"[{entity}](#{entity.lower()})"


def field_type(field):
    kind, entity = field["type"], field.get("entity")
    if kind == "object":
        return link(entity) if entity else "object"
    if kind == "list":
        return f"list of {link(entity)}" if entity else "list"
    if kind in ("ref", "refs") and entity:
        return f"{'key' if kind == 'ref' else 'keys'} of {link(entity)}"
    return TYPES[kind]


def domain_table(domain, operations):
    rows = []
    for resource in sorted(operations["resources"], key=lambda row: row["path"]):
        if domain not in resource["domains"]:
            continue
        path = f"/api/{domain}/{resource['path']}"
        reads = [f"`GET {path}`"]
        if "item" in resource["reads"]:
            reads.append(f"`GET {path}/{{key}}`")
        writes = resource.get("writes", ())
        rows.append((reads[0] if set(resource["reads"]) != {"item"} else "",
                     reads[1] if len(reads) > 1 else "", "`POST`" if "create" in writes else "",
                     "".join(["`PUT`" if "update" in writes else "",
                              *(f", `PUT .../{part}`" for part in resource.get("parts", ()))]),
                     link(resource["entity"])))
    return table(("list", "one record", "new record", "change", "entity"), rows)


def count_of(operations, domain):
    return sum(len(row["reads"] + row.get("writes", []) + row.get("parts", [])) for row in operations["resources"] if domain in row["domains"])


def system_table(operations):
    rows = []
    for row in operations["system"]:
        also = "".join(f" (also `{alias}`)" for alias in row.get("aliases", ()))
        rows.append((f"`{row['method']} {row['path']}`{also}", row["token"], row["about"] + "."))
    return table(("operation", "token", "what it does"), rows)


def entity_part(entity):
    where = ", ".join(DOMAINS[name] for name in entity["domains"])
    rows = [(f"`{field['name']}`", field_type(field), field["description"])
            for field in entity["fields"]]
    return (f"\n### {entity['name']}\n\n{entity['description']} ({where})\n\n"
            + table(("field", "type", "meaning"), rows))


def api_reference():
    entities, operations = load_schema()
    total = sum(count_of(operations, domain) for domain in DOMAINS) + len(operations["system"])
    parts = [MARK, "\n## Operations\n\n",
             f"{total} operations. Which of them a platform has is in its entry of "
             "`GET /api/system/platforms`; the\nothers answer 501 `OPERATION_UNSUPPORTED`.\n",
             "\n### System\n\n", system_table(operations)]
    for domain, word in DOMAINS.items():
        parts += [f"\n### {word}\n\n{count_of(operations, domain)} operations.\n\n",
                  domain_table(domain, operations)]
    parts += ["\n### Older paths\n\n",
              "Kept for existing clients; they are the same operations.\n\n",
              table(("path", "the same as"), [(f"`{row['path']}`", f"`{row['like']}`")
                                              for row in operations["aliases"]])]
    parts.append("\n## Entities\n\nEvery field but `key` can be null: what the source lacks is "
                 "null, never invented.\n")
    parts += [entity_part(entity) for entity in entities.values()]
    return "".join(parts)


def api_md():
    path = DOCS / "api.md"
    head = path.read_text(encoding="utf-8").split(MARK)[0] if path.exists() else "# API reference\n\n"
    return head + api_reference()


FILES = {"errors.md": errors_md, "limits.md": limits_md, "api.md": api_md}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when not fresh")
    check = parser.parse_args().check
    stale = []
    for name, make in FILES.items():
        path, text = DOCS / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
            print(f"docs/{name} written")
    if check and stale:
        print("not fresh, run tools/gen_docs.py: " + ", ".join(stale))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
