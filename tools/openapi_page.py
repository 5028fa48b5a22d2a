"""The API reference as one static HTML page, from the same data as the OpenAPI document: no script,
no request to anywhere else, one style sheet inside, which the page's policy names by its hash.
"""
# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import html
import json
import re
from pathlib import Path

import gen_model
import openapi_document

CSS = Path(__file__).resolve().parent / "openapi_page.css"
TOKENS = {"connectionToken": "a connection's token", "applicationToken": "an application's token",
          "clientSecret": "client_id and client_secret"}
OPERATOR_ROWS = [("none", "all", "equal"), ("contains, startsWith, endsWith", "text", "part of the field, its beginning, its end"),
                 ("gt, gteq, lt, lteq", "text, number, time", "greater, greater or equal, less, less or equal")]


def esc(text):
    return html.escape(str(text), quote=True)


def words(text):
    """Text with `code` and **strong**, in paragraphs."""
    out = []
    for part in text.split("\n\n"):
        part = esc(part)
        part = re.sub(r"`([^`]+)`", r"<code>\1</code>", part)
        part = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", part)
        out.append(f"<p>{part}</p>")
    return "".join(out)


def table(head, rows):
    """Cells are HTML already; a row may be (cells, id)."""
    out = ["<table><thead><tr>", *[f"<th scope=col>{esc(title)}</th>" for title in head], "</tr></thead><tbody>"]
    for row in rows:
        cells, name = row if isinstance(row[1], (str, type(None))) and isinstance(row[0], (list, tuple)) else (row, None)
        out.append((f"<tr id={name}>" if name else "<tr>") + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return "".join(out) + "</tbody></table>"


def sample(value):
    return f"<pre tabindex=0><code>{esc(json.dumps(value, indent=2, ensure_ascii=False))}</code></pre>"


def code(text):
    return f"<code>{esc(text)}</code>"


def more(title, inner):
    return f"<details class=more><summary>{esc(title)}</summary>{inner}</details>"


def entity_link(name):
    return f'<a href="#e-{esc(name)}">{esc(name)}</a>'


class Page:
    def __init__(self, document, schema):
        self.document, self.schema = document, schema
        self.components = document["components"]
        self.parts = []

    # -- operations
    def response_name(self, ref):
        return self.components["responses"][ref["$ref"].rsplit("/", 1)[1]]

    def codes_of(self, responses):
        rows = []
        for status, ref in responses.items():
            if "$ref" in ref:
                found = next(iter(self.response_name(ref)["content"].values()))
                names = found["schema"]["allOf"][1]["properties"]["code"]["enum"]
                rows.append((code(status), '<span class=codes>' + " ".join(
                    f'<a href="#c-{name}">{name}</a>' for name in names) + "</span>"))
        return table(("status", "codes"), rows)

    def schema_link(self, name):
        bare = re.sub(f"({openapi_document.PART}|{openapi_document.WRITE})+$", "", name)
        if bare in self.schema.by_name:
            return entity_link(bare)
        return f'<a href="#s-{esc(name)}">{esc(name)}</a>'

    def answer_of(self, made):
        content = made["responses"].get("200", {}).get("content", {})
        kind = next(iter(content), None)
        if "303" in made["responses"]:
            return "<p>The browser is sent on (303).</p>"
        if kind is None or kind == "text/html":
            return "<p>An HTML page.</p>" if kind else "<p>Nothing but the status.</p>"
        schema = content[kind]["schema"]
        ref = schema.get("anyOf", [schema])[0].get("$ref")
        if ref is None:
            return "<p>The document.</p>"
        for ending, text in (("List", "{} records, beside {} and {}"), ("Answer", "one {}")):
            name = ref[:-len(ending)] if ref.endswith(ending) else ""
            if name in self.schema.by_name or name in self.schema.about["schemas"]:
                shown = text.format(self.schema_link(name), code("links"), code("meta"))
                return f"<p>{code('data')} holds {shown}.</p>"
        return f"<p>{self.schema_link(ref)}</p>"

    def parameters_of(self, made):
        rows = []
        for ref in made["parameters"]:
            name = ref["$ref"].rsplit("/", 1)[1]
            one = self.components["parameters"][name]
            shown = {"filter": "filter[FIELD:OPERATOR]", "sort": "sort[FIELD]"}.get(one["name"], one["name"])
            text = esc(one["description"])
            if one["name"] in ("filter", "sort"):
                text = ('<a href="#filters">By any comparable field</a> of '
                        f'{entity_link(re.sub("(Filter|Sort)$", "", name))}.')
            rows.append((code(shown), "path" if one["in"] == "path" else "query", text))
        return "<h4>Parameters</h4>" + table(("name", "in", "meaning"), rows) if rows else ""

    def curl_of(self, path, method, made):
        address = f"https://fishplate.example.com{path}"
        token = next((TOKENS[name] for row in made["security"] for name in row if name in TOKENS), "")
        lines = [f"curl {'' if method == 'GET' else '-X ' + method + ' '}'{address}'"]
        if "application" in token or "connection" in token:
            lines.append("  -H \"Authorization: Bearer $TOKEN\"")
        elif "client" in token:
            lines.append("  -u \"$CLIENT_ID:$CLIENT_SECRET\" -d grant_type=client_credentials")
        if "requestBody" in made and "client" not in token:
            lines.append("  -H 'Content-Type: application/json' -d @body.json")
        return "<pre tabindex=0><code>" + esc(" \\\n".join(lines)) + "</code></pre>"

    def body_of(self, made):
        if "requestBody" not in made:
            return ""
        name = next(iter(made["requestBody"]["content"].values()))["schema"]["$ref"]
        return "<h4>Body</h4>" + self.properties(self.components["schemas"][name], marks=True)

    def operation(self, path, method, made):
        token = next((TOKENS[name] for row in made["security"] for name in row if name in TOKENS), "no token")
        old = " old" if made.get("deprecated") else ""
        example = None
        if made["security"] != [{"connectionToken": []}] or made["tags"] == ["Integration"]:  # others: with their entity
            example = next(iter(made["responses"].get("200", {}).get("content", {}).values()), {}).get("example")
        return (f'<details class="op{old}" id="{made["operationId"]}"><summary><span class="verb {method}">{method}</span>'
                f'<span class=path>{esc(path)}</span><span class=what>{esc(made["summary"])}</span></summary><div class=body>'
                + words(made["description"]) + f"<p class=soft>Needs {esc(token)}. Name in clients: {code(made['operationId'])}.</p>"
                + self.curl_of(path, method, made) + self.parameters_of(made) + self.body_of(made)
                + "<h4>Answer</h4>" + self.answer_of(made)
                + (more("Example", sample(example)) if example is not None else "")
                + more("Errors", self.codes_of(made["responses"])) + "</div></details>")

    # -- schemas
    def type_of(self, made):
        if "$ref" in made:
            return self.schema_link(made["$ref"])
        if made.get("type") == "array":
            return "list of " + self.type_of(made["items"]) if made.get("items") else "list"
        if "enum" in made:
            return " | ".join(code(value) for value in made["enum"])
        if made.get("format"):
            return esc(made["format"])
        return esc(made.get("type", "any"))

    def properties(self, made, marks=False, null=True):
        if "oneOf" in made:
            return words(made["description"]) + "<p>" + " or ".join(self.type_of(one) for one in made["oneOf"]) + "</p>"
        rows = []
        for name, one in made.get("properties", {}).items():
            target = self.components["schemas"].get(one.get("$ref"), {})
            text = one.get("description") or target.get("description", "")
            kind = self.type_of(one) + (" or null" if one.get("nullable") and null else "")
            rows.append((code(name) + (" <b title=required>*</b>" if marks and name in made.get("required", []) else ""),
                         kind, esc(text)))
        return table(("field", "type", "meaning"), rows) if rows else "<p class=soft>Fields as the source has them.</p>"

    def schema_section(self, name, prefix):
        made = self.components["schemas"][name]
        out = f'<section id="{prefix}-{esc(name)}"><h3>{esc(name)}</h3>' + words(made.get("description", ""))
        if "enum" in made:
            out += "<p>" + " | ".join(code(value) for value in made["enum"]) + "</p>"
        elif "allOf" not in made:
            out += self.properties(made, null=prefix != "e")
        if made.get("example") is not None:
            out += more("Example", sample(made["example"]))
        return out + "</section>"

    # -- the page
    def intro(self):
        info = self.document["info"]
        limits = self.schema.limits
        types = ", ".join(sorted(gen_model.FILTERABLE - {"ref"})) + ", key of another record"
        return (f"<h1>{esc(info['title'])} API</h1><p class=soft>Version {esc(info['version'])}</p><ul class=files>"
                '<li><a href="/openapi.json">OpenAPI 3.1</a></li><li><a href="/openapi-3.0.json">OpenAPI 3.0</a></li></ul>'
                + words(info["description"])
                + "<h2 id=calling>Calling</h2>" + words(
                    "Send `Authorization: Bearer TOKEN` in every request, and nothing secret in an address. Bodies are "
                    "JSON in UTF-8. `HEAD` works where `GET` does, `OPTIONS` names the methods of a path, and "
                    "`Accept-Encoding: gzip` is honoured.")
                + "<h2 id=lists>Lists</h2>" + words(
                    f"A list answers `data`, `links` and `meta`. `page` counts from 1; `per_page` is 1 to "
                    f"{limits['PAGE_SIZE_MAX']}, {limits['PAGE_SIZE_DEFAULT']} where it is not said. Read on until `page` "
                    "reaches `meta.last_page`.")
                + "<h3 id=filters>Filters and order</h3>" + words(
                    "`filter[FIELD]=VALUE` or `filter[FIELD:OPERATOR]=VALUE`, up to 32; all must hold, with "
                    "`filterMatch=any` one. `sort[FIELD]=0` ascends, `1` descends; up to 8 fields. Comparable are "
                    f"fields of these types: {types}. They are handed to the source; what it cannot do is refused with "
                    "422 and the parameter's name, never ignored. Changes since the last time: "
                    "`filter[updatedAt:gteq]=2026-01-31T08:00:00Z`.")
                + table(("operator", "fits", "meaning"), [(code(a) if a != "none" else esc(a), esc(b), esc(c)) for a, b, c in OPERATOR_ROWS]))

    def errors(self):
        known = self.schema.errors
        used = sorted({name for made in self.components["responses"].values()
                       for name in next(iter(made["content"].values()))["schema"]["allOf"][1]["properties"]["code"]["enum"]})
        rows = [([code(name), code(known[name][0]), f"{esc(known[name][2])} <span class=soft>{esc(known[name][3])}</span>"],
                 f"c-{name}") for name in used]
        return ("<h2 id=errors>Errors</h2>" + words(
            "Every answer that is not a success has this body. `code` is what a program decides by; a 422 has `errors` "
            "besides: by name of the parameter or field, the reasons. The token endpoint answers in the form of RFC 6749.")
            + sample({"message": known["TOKEN_REVOKED"][2], "code": "TOKEN_REVOKED", "type": known["TOKEN_REVOKED"][1],
                      "request_id": "req_01KD000000000000000000000", "next_step": known["TOKEN_REVOKED"][3], "details": {}})
            + table(("code", "status", "meaning and next step"), rows))

    def tag_section(self, tag):
        name = tag["name"]
        out = [f'<h2 id="t-{name.replace(" ", "-")}">{esc(name)}</h2>', words(tag["description"])]
        groups = {}
        for path, item in self.document["paths"].items():
            for method, made in item.items():
                if made["tags"] == [name]:
                    groups.setdefault(self.group(path, name), []).append(self.operation(path, method.upper(), made))
        for group, parts in groups.items():
            out += [f'<h3 id="g-{name}-{group}">{esc(group)}</h3>' if group else "", *parts]
        return "".join(out)

    @staticmethod
    def group(path, tag):
        return path.split("/")[3] if tag in ("EAM", "ERP", "WMS") else None

    def menu(self):
        out = ['<div class=brand>Fishplate API</div><div class=group>Basics</div><ul>']
        out += [f'<li><a href="#{name}">{text}</a></li>' for name, text in
                (("calling", "Calling"), ("lists", "Lists"), ("filters", "Filters and order"), ("errors", "Errors"))]
        out.append("</ul>")
        for tag in self.document["tags"]:
            name = tag["name"]
            groups = dict.fromkeys(self.group(path, name) for path, item in self.document["paths"].items()
                                   for made in item.values() if made["tags"] == [name])
            out.append(f"<div class=group>{esc(name)}</div><ul>")
            if None in groups:
                out.append(f'<li><a href="#t-{name.replace(" ", "-")}">{esc(tag["name"])} operations</a></li>')
            out += [f'<li><a href="#g-{name}-{group}">{esc(group)}</a></li>' for group in groups if group]
            out.append("</ul>")
        out.append('<div class=group>Data</div><ul><li><a href="#entities">Entities</a></li>'
                   '<li><a href="#objects">System objects</a></li></ul>')
        return "".join(out)

    def render(self):
        style = CSS.read_text(encoding="utf-8").replace("\n", "")
        entities = [name for name in self.components["schemas"] if name in self.schema.by_name]
        objects = [name for name in self.components["schemas"]
                   if name in self.schema.about["schemas"] and "allOf" not in self.components["schemas"][name]]
        body = [self.intro(), self.errors(), *[self.tag_section(tag) for tag in self.document["tags"]],
                "<h2 id=entities>Entities</h2><p>Every field but the key can be null.</p>",
                *[self.schema_section(name, "e") for name in sorted(entities)],
                "<h2 id=objects>System objects</h2>", *[self.schema_section(name, "s") for name in sorted(objects)],
                f"<footer>Fishplate {esc(self.document['info']['version'])}. Made from schema/ when the server was built.</footer>"]
        text = ("<!doctype html><html lang=en><head><meta charset=utf-8><title>Fishplate API reference</title>"
                '<meta name=viewport content="width=device-width,initial-scale=1"><meta name=robots content=noindex>'
                f"<style>{style}</style></head><body><a class=skip href=\"#content\">Skip to the reference</a>"
                f'<details class=menu><summary><span class=brand>Fishplate API</span> &nbsp;Contents</summary><nav aria-label="Contents, short">{self.menu()}</nav></details>'
                f'<div class=frame><nav class=side aria-label=Contents>{self.menu()}</nav><main id=content tabindex=-1>'
                + "".join(body) + "</main></div></body></html>\n")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
                  "frame-ancestors 'none'")
        return text, policy


def make(document, schema):
    """(HTML, Content-Security-Policy)."""
    return Page(document, schema).render()
