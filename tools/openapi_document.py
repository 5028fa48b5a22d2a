"""The OpenAPI document, 3.1 or 3.0, from schema/ (entities, operations, openapi.json), from the error
catalogue and from the limits. Schemas are written here in the words of 3.0 (`nullable`, `example`,
$ref by bare name); `dialect()` turns them into either version at the end.
"""
# SPDX-License-Identifier: Apache-2.0
import ast
import copy
import json
import re
from pathlib import Path

import gen_model
import openapi_examples

OPERATORS = {"text": ["contains", "startsWith", "endsWith", "gt", "gteq", "lt", "lteq"],
             "number": ["gt", "gteq", "lt", "lteq"], "time": ["gt", "gteq", "lt", "lteq"]}
WRITE, WRITE_PART = "Write", "WithinWrite"
PART = "Within"  # behind the name of an entity: as part of a record
STATUS_WORDS = {400: "The request is not valid.", 401: "Nobody is let in with this token.",
                403: "It is the other kind of token.", 404: "There is no such thing.",
                408: "The request did not arrive in time.", 409: "It does not fit the state of things.",
                411: "The body needs a length.",
                412: "The record is not any more the one that If-Match names.", 413: "The body is too large.",
                414: "The address is too long.", 415: "The body is of another type.",
                422: "Something that was sent is not valid, or the source cannot do it.",
                429: "Too many requests.", 431: "The headers are too large.",
                500: "Something went wrong inside the server.",
                501: "The source system has no such thing.",
                502: "The source system, or the way to it, failed.",
                503: "Not possible now; `Retry-After` says when to try again.",
                504: "It took too long."}


def rows_of(path, macro):
    """{symbol: [arguments]} of a .def file."""
    text = Path(path).read_text(encoding="utf-8")
    found = re.findall(rf"^{macro}\((\w+), (.*)\)\s*$", text, re.M)
    return {symbol: list(ast.literal_eval(f"({rest})")) for symbol, rest in found}


def camel(name):
    """"erp.purchase-orders.line-items.list" becomes erpPurchaseOrdersLineItemsList."""
    words = re.split(r"[^A-Za-z0-9]+", name)
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])


def spaced(name):
    """"PurchaseOrder" becomes purchase order; BOMLineItem becomes BOM line item."""
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+", name)
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)


class Schema:
    """Everything under schema/ and what stands in the tables of src/base."""

    def __init__(self, root):
        root = Path(root)
        folder = root / "schema"
        self.entities, paths = gen_model.read_entities(str(folder / "entities"))
        self.by_name = {entity["name"]: entity for entity in self.entities}
        table = folder / "operations.json"
        self.operations, self.resources, self.routes = gen_model.read_operations(str(table), self.entities)
        self.served = {operation["entity"] for operation in self.operations}
        self.examples = openapi_examples.Examples(self.by_name)
        self.about = gen_model.load(str(folder / "openapi.json"))
        self.rows = {row["id"]: row for row in gen_model.load(str(table))["system"]}
        self.errors = rows_of(root / "src/base/errors.def", "FP_ERROR")
        self.limits = {name: row[0] for name, row in rows_of(root / "src/base/limits.def", "FP_LIMIT").items()}
        self.version = (root / "VERSION").read_text(encoding="utf-8").strip()
        self.inputs = [*paths, str(folder / "entities"), str(table), str(folder / "openapi.json"),
                       str(root / "src/base/errors.def"), str(root / "src/base/limits.def"),
                       str(root / "VERSION")]

    def nested_name(self, entity):
        """The schema of an entity as part of a record: one of its own where the key's nature differs."""
        keyed = any(field["type"] == "key" for field in self.by_name[entity]["fields"])
        return entity + PART if keyed and entity in self.served else entity

    def words_of(self, operation):
        """What openapi.json says of a system operation."""
        name = operation["id"].partition(".")[2]
        row = self.rows.get(name, {})
        about = row.get("about", name)
        return {"summary": about, "description": about + ".", **self.about["system"].get(name, {})}


# -- schemas ------------------------------------------------------------------------------------------
def field_schema(field, keyless=False, nested=str):
    """How a field is answered: everything may be null but the key of a record that is served by itself
    (a part of another record need not have one). `nested` names the schema of a part."""
    kind, entity = field["type"], field.get("entity")
    text = {"type": "string", "nullable": True}
    made = {
        "key": text if keyless else {"type": "string"}, "text": text, "number": {"type": "number", "nullable": True},
        "boolean": {"type": "boolean", "nullable": True}, "time": {**text, "format": "date-time"},
        "ref": text, "any": {},
        "refs": {"type": "array", "nullable": True, "items": {"type": "string"}},
        "texts": {"type": "array", "nullable": True, "items": {"type": "string"}},
        "object": {"$ref": nested(entity), "nullable": True} if entity else
                  {"type": "object", "nullable": True, "additionalProperties": True},
        "list": {"type": "array", "nullable": True, "items": {"$ref": nested(entity)} if entity else {}},
    }[kind]
    words = field["description"]
    if kind in ("ref", "refs") and entity:
        words += f" {'Key' if kind == 'ref' else 'Keys'} of {entity}."
    return {**made, "description": words}


def entity_schema(entity, schema, part):
    """part: within another record, not served by itself."""
    names = [field["name"] for field in entity["fields"]]
    out = {"type": "object", "description": entity["description"]}
    if names:
        out["required"] = names
        out["properties"] = {field["name"]: field_schema(field, part, schema.nested_name)
                             for field in entity["fields"]}
    else:
        out["additionalProperties"] = True
    return {**out, "example": schema.examples.of(entity["name"])}


def write_schema(entity, part):
    """What can be sent of an entity: absent stays, null clears. part: as an element of another record, which
    its key names."""
    properties = {}
    for field in entity["fields"]:
        if field["type"] == "key" and not part:
            continue
        properties[field["name"]] = field_schema(field, True, lambda name: name + WRITE_PART)
    words = ("A part of a record to write: with its key it is changed, without one it is added." if part else
             f"Fields of a {spaced(entity['name'])} to write: absent stays as it is, null clears. Which of them a "
             "platform takes, and which it needs, a 422 says by name.")
    return {"type": "object", "description": words, "properties": properties}


def value_schema(kind):
    return {"number": {"type": "number"}, "boolean": {"type": "boolean"},
            "time": {"$ref": "FilterTime"}}.get(kind, {"$ref": "FilterText"})


def comparable(entity):
    return [field for field in entity["fields"] if field["type"] in gen_model.FILTERABLE]


def filter_parameter(entity):
    properties = {}
    for field in comparable(entity):
        properties[field["name"]] = value_schema(field["type"])
        for operator in OPERATORS.get(field["type"], []):
            properties[f"{field['name']}:{operator}"] = value_schema(field["type"])
    return {"name": "filter", "in": "query", "style": "deepObject", "explode": True,
            "description": "`filter[FIELD]=VALUE` or `filter[FIELD:OPERATOR]=VALUE`, up to 32. All must hold, with "
                           "`filterMatch=any` one. Handed to the source, or refused by name with 422.",
            "schema": {"type": "object", "additionalProperties": False, "properties": properties},
            "example": openapi_examples.filter_of(comparable(entity))}


def sort_parameter(entity):
    properties = {field["name"]: {"$ref": "SortOrder"} for field in comparable(entity)}
    return {"name": "sort", "in": "query", "style": "deepObject", "explode": True,
            "description": "`sort[FIELD]=0` ascends, `sort[FIELD]=1` descends; up to 8 fields, the first counts most.",
            "schema": {"type": "object", "additionalProperties": False, "maxProperties": 8,
                       "properties": properties},
            "example": {comparable(entity)[0]["name"]: 0}}


def fields_parameter(entity):
    names = [field["name"] for field in entity["fields"]]
    return {"name": "fields", "in": "query", "style": "form", "explode": False, "example": names[:2],
            "description": "The fields that are wanted, with commas between; the record then has these and its key "
                           "alone, and the source is asked for no more.",
            "schema": {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1}}


def plain_parameters(limits):
    size = {"type": "integer", "minimum": 1, "maximum": limits["PAGE_SIZE_MAX"],
            "default": limits["PAGE_SIZE_DEFAULT"]}
    return {
        "page": {"name": "page", "in": "query", "description": "Number of the page, from 1.", "example": 1,
                 "schema": {"type": "integer", "minimum": 1, "maximum": 1000000000, "default": 1}},
        "per_page": {"name": "per_page", "in": "query", "description": "Records per page.", "schema": size,
                     "example": 100},
        "pageSize": {"name": "pageSize", "in": "query", "deprecated": True, "schema": size, "example": 100,
                     "description": "The same as per_page, for existing clients; per_page wins."},
        "filterMatch": {"name": "filterMatch", "in": "query", "example": "all",
                        "description": "Whether all filters must hold or any one.",
                        "schema": {"type": "string", "enum": ["all", "any"], "default": "all"}},
        "key": {"name": "key", "in": "path", "required": True, "example": "1042",
                "description": "Key of the record, percent-encoded.",
                "schema": {"type": "string", "minLength": 1, "maxLength": limits["KEY_TEXT"]}},
        "materialKey": {"name": "materialKey", "in": "path", "required": True, "example": "17",
                        "description": "Key of the material, percent-encoded.",
                        "schema": {"type": "string", "minLength": 1, "maxLength": limits["KEY_TEXT"]}},
        "Idempotency-Key": {"name": "Idempotency-Key", "in": "header", "example": "order-4711-attempt",
                            "description": "Makes the change once: for 24 hours the same request with the same key "
                                           "gets the answer of the first, with the header Idempotency-Replayed.",
                            "schema": {"type": "string", "minLength": 1, "maxLength": limits["IDEMPOTENCY_KEY"],
                                       "pattern": "^[!-~]+$"}},
        "include_raw": {"name": "include_raw", "in": "query", "example": False,
                        "description": "true: each record has a member `raw`, the source's own record as it was read.",
                        "schema": {"type": "boolean", "default": False}},
        "If-None-Match": {"name": "If-None-Match", "in": "header", "example": '"q0nHkXb2m1J5b7Zf1rVw9A"',
                          "description": "ETags that are known; where the answer has one of them it is 304.",
                          "schema": {"type": "string", "maxLength": limits["HTTP_CONDITION"]}},
        "If-Match": {"name": "If-Match", "in": "header", "example": '"q0nHkXb2m1J5b7Zf1rVw9A"',
                     "description": "ETag of the record as it was read: where it is another one now, nothing is "
                                    "changed and the answer is 412.",
                     "schema": {"type": "string", "maxLength": limits["HTTP_CONDITION"]}},
        "validate_only": {"name": "validate_only", "in": "query", "example": True,
                          "description": "true: the body is checked and nothing is sent to the source.",
                          "schema": {"type": "boolean", "default": False}},
        "id": {"name": "id", "in": "path", "required": True, "example": "con_01KD000000000000000000000",
               "description": "Id of the connection, or of what else the path names.",
               "schema": {"type": "string", "minLength": 1, "maxLength": 64}},
        "delivery": {"name": "delivery", "in": "path", "required": True, "example": "msg_01KD000000000000000000000",
                     "description": "Id of the delivery.",
                     "schema": {"type": "string", "minLength": 1, "maxLength": 64}},
    }


def query_parameter(row):
    schema = {"type": "string", **{name: row[name] for name in ("enum", "maxLength") if name in row}}
    return {"name": row["name"], "in": "query", "required": row.get("required", False), "schema": schema,
            "description": row["description"], "example": row["example"]}


def fixed_schemas():
    return {
        "FilterText": {"type": "string", "maxLength": 1024, "description": "Text, or the key of a record; at most 1024 bytes."},
        "FilterTime": {"type": "string", "maxLength": 64,
                       "description": "A date (2026-01-31: that whole day in UTC) or RFC 3339 (2026-01-31T08:00:00Z)."},
        "SortOrder": {"type": "integer", "enum": [0, 1], "description": "0 ascends, 1 descends."},
    }


# -- the document -------------------------------------------------------------------------------------
class Document:
    """One document being put together; parts of `components` are made when first referred to."""

    def __init__(self, schema):
        self.schema = schema
        self.components = {"schemas": {}, "parameters": {}, "responses": {}, "headers": self.headers(),
                           "securitySchemes": self.security_schemes()}
        self.paths = {}

    # Each ref_ makes the component where it is not there yet, and gives the reference.
    def ref_schema(self, name):
        if name not in self.components["schemas"]:
            bare = name.removesuffix(PART)
            written = name.removesuffix(WRITE_PART).removesuffix(WRITE)
            if written != name and written in self.schema.by_name:
                made = write_schema(self.schema.by_name[written], name.endswith(WRITE_PART))
            elif bare in self.schema.by_name:
                made = entity_schema(self.schema.by_name[bare], self.schema,
                                     bare != name or bare not in self.schema.served)
            elif name in self.schema.about["schemas"]:
                made = copy.deepcopy(self.schema.about["schemas"][name])
            else:
                made = fixed_schemas()[name]
            self.components["schemas"][name] = made
            self.follow(made)
        return {"$ref": name}

    def follow(self, node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                self.ref_schema(node["$ref"])
            for name, value in node.items():
                if name not in ("example", "examples"):
                    self.follow(value)
        elif isinstance(node, list):
            for value in node:
                self.follow(value)

    def ref_parameter(self, name, made):
        if name not in self.components["parameters"]:
            self.components["parameters"][name] = made
            self.follow(made)
        return {"$ref": f"#/components/parameters/{name}"}

    def headers(self):
        return {"RequestId": {"description": "Names the request in the server's log and audit record.",
                              "schema": {"type": "string"}, "example": "req_01KD000000000000000000000"},
                "ETag": {"description": "Version of what is answered: strong for one record, weak for a list.",
                         "schema": {"type": "string"}, "example": '"q0nHkXb2m1J5b7Zf1rVw9A"'},
                "IdempotencyReplayed": {"description": "true: this is the answer of an earlier request with the same "
                                                       "Idempotency-Key; nothing was changed by this one.",
                                        "schema": {"type": "boolean"}, "example": True},
                "RetryAfter": {"description": "Seconds to wait before trying again.",
                               "schema": {"type": "integer", "minimum": 0}, "example": 1},
                "Authenticate": {"description": "How to authenticate (RFC 6750).", "schema": {"type": "string"},
                                 "example": 'Bearer realm="fishplate"'}}

    def security_schemes(self):
        return {
            "connectionToken": {"type": "http", "scheme": "bearer",
                                "description": "A connection's token, `fp_live_...` or `fp_test_...`."},
            "applicationToken": {"type": "http", "scheme": "bearer",
                                 "description": "An application's token, `fpa_live_...` or `fpa_test_...`."},
            "clientCredentials": {"type": "oauth2", "description": "Gets an application's token.",
                                  "flows": {"clientCredentials": {"tokenUrl": "/link/token", "scopes": {}}}},
            "clientSecret": {"type": "http", "scheme": "basic",
                             "description": "client_id and client_secret, for the token endpoint alone."}}

    # -- answers
    def response_headers(self, status):
        found = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
        if status in (429, 503):
            found["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
        if status == 401:
            found["WWW-Authenticate"] = {"$ref": "#/components/headers/Authenticate"}
        return found

    def error_example(self, code, oauth):
        _status, kind, message, step = self.schema.errors[code]
        request = "req_01KD000000000000000000000"
        if oauth:
            word = {"CLIENT_INVALID": "invalid_client", "GRANT_UNSUPPORTED": "unsupported_grant_type",
                    "CLIENT_UNAUTHORIZED": "unauthorized_client", "GRANT_INVALID": "invalid_grant",
                    "SCOPE_INVALID": "invalid_scope"}
            number = self.schema.errors[code][0]
            other = {503: "temporarily_unavailable", 429: "temporarily_unavailable", 500: "server_error",
                     502: "server_error", 504: "server_error"}.get(number, "invalid_request")
            return {"error": word.get(code, other), "error_description": message, "code": code,
                    "request_id": request}
        body = {"message": message, "code": code, "type": kind, "request_id": request, "next_step": step,
                "details": {}}
        if self.schema.errors[code][0] == 422:
            body["errors"] = {"per_page": ["Send a whole number from 1 to 500."]}
        return body

    def ref_error(self, status, codes, oauth):
        """The response of a status; the codes that can stand in it are an enum."""
        base = "OAuthError" if oauth else "InvalidError" if status == 422 else "Error"
        name = next((known for known, made in self.components["responses"].items()
                     if made["codes"] == (base, status, codes)), None)
        if name is None:
            count = sum(1 for made in self.components["responses"].values() if made["codes"][1] == status)
            name = f"Error{status}" + ("" if count == 0 else chr(ord("A") + count))
            self.ref_schema(base)
            listed = "".join(f"\n- `{code}`: {self.schema.errors[code][2]}" for code in codes)
            self.components["responses"][name] = {
                "codes": (base, status, codes), "description": STATUS_WORDS[status] + "\n" + listed,
                "headers": self.response_headers(status),
                "content": {"application/json": {
                    "schema": {"allOf": [{"$ref": base}, {"type": "object", "properties": {
                        "code": {"type": "string", "enum": codes}}}]},
                    "examples": {code: {"summary": self.schema.errors[code][2],
                                        "value": self.error_example(code, oauth)} for code in codes}}}}
        return {"$ref": f"#/components/responses/{name}"}

    def error_responses(self, codes, oauth=False):
        by_status = {}
        for code in sorted(set(codes)):
            by_status.setdefault(self.schema.errors[code][0], []).append(code)
        return {str(status): self.ref_error(status, by_status[status], oauth) for status in sorted(by_status)}

    def success(self, schema, example, words):
        return {"description": words, "headers": self.response_headers(200),
                "content": {"application/json": {"schema": schema, "example": example}}}

    def item_of(self, name):
        return {"type": "object", "required": ["data"], "properties": {"data": self.ref_schema(name)}}

    def list_of(self, name):
        for part in ("Links", "Meta"):
            self.ref_schema(part)
        return {"type": "object", "required": ["data", "links", "meta"], "properties": {
            "data": {"type": "array", "items": self.ref_schema(name)}, "links": {"$ref": "Links"},
            "meta": {"$ref": "Meta"}}}

    # Envelopes are schemas of their own, so that typed clients get a name for them.
    def envelope(self, name, many):
        title = name + ("List" if many else "Answer")
        if title not in self.components["schemas"]:
            made = self.list_of(name) if many else self.item_of(name)
            words = f"A page of {spaced(name)} records." if many else f"One {spaced(name)} record."
            self.components["schemas"][title] = {**made, "description": words}
        return {"$ref": title}

    def envelope_example(self, name, many):
        known = self.schema.about["schemas"]
        one = known[name].get("example") if name in known else self.schema.examples.of(name)
        if not many:
            return {"data": one}
        return {"data": [one], "links": known["Links"]["example"], "meta": known["Meta"]["example"]}

    # -- operations
    def add(self, path, method, made):
        self.paths.setdefault(path, {})[method.lower()] = made

    def list_parameters(self, entity):
        plain = plain_parameters(self.schema.limits)
        names = ["page", "per_page", "pageSize"] + (["filterMatch"] if entity else [])
        refs = [self.ref_parameter(name, plain[name]) for name in names]
        if entity and comparable(entity):
            refs += [self.ref_parameter(f"{entity['name']}Filter", filter_parameter(entity)),
                     self.ref_parameter(f"{entity['name']}Sort", sort_parameter(entity))]
        return refs

    def view_parameters(self, operation, entity):
        """How records are shown, and what is known of them already."""
        plain = plain_parameters(self.schema.limits)
        refs = [self.ref_parameter(f"{entity['name']}Fields", fields_parameter(entity))] if entity["fields"] else []
        names = (["include_raw"] if operation["kind"] != "statuses" else []) + ["If-None-Match"]
        return refs + [self.ref_parameter(name, plain[name]) for name in names]

    def path_parameters(self, path):
        plain = plain_parameters(self.schema.limits)
        return [self.ref_parameter(name, plain[name]) for name in re.findall(r"\{(\w+)\}", path)]

    def data_operation(self, operation):
        groups = self.schema.about["errors"]
        entity = self.schema.by_name[operation["entity"]]
        many, path, write = operation["list"], operation["path"], operation["method"] != "GET"
        codes = groups["always"] + groups["token"] + groups["connection"] + groups["source"]
        codes += (groups["list"] if many else []) + (groups["key"] if "{" in path else [])
        codes += groups["body"] + groups["write"] if write else []
        codes += ["PRECONDITION_FAILED"] if operation["kind"] == "update" else []
        words = spaced(entity["name"])
        verb = {"POST": "Create", "PUT": "Change", "PATCH": "Change", "DELETE": "Delete"}.get(operation["method"])
        verb = "Change the state of" if operation["state_only"] else verb
        summary = f"{verb} {words}" if verb else f"List {words} records" if many else f"Read one {words}"
        if operation["kind"] == "sublist":
            summary = f"List {words} records of one {operation['path'].split('/')[3]} record"
        elif operation["kind"] == "statuses":
            summary = f"List the states of {operation['path'].split('/')[-1]}"
        made = {"operationId": camel(operation["id"]), "tags": [operation["domain"].upper()], "summary": summary,
                "description": entity["description"],
                "parameters": self.path_parameters(path) + (self.list_parameters(entity) if many else [])}
        if write and operation["method"] != "DELETE":
            made["requestBody"] = {"required": True, "content": {"application/json": {
                "schema": self.ref_schema("StateChange" if operation["state_only"] else entity["name"] + WRITE)}}}
            plain = plain_parameters(self.schema.limits)
            names = ["validate_only", "Idempotency-Key"] + (["If-Match"] if operation["kind"] == "update" else [])
            made["parameters"] += [self.ref_parameter(name, plain[name]) for name in names]
        if not write:
            made["parameters"] += self.view_parameters(operation, entity)
        answer = self.envelope(entity["name"], many)
        if write:
            answer = {"anyOf": [answer, self.ref_schema("Validated")]}
        made["responses"] = {"200": self.success(answer, self.envelope_example(entity["name"], many),
                                                 "The records of the page." if many else
                                                 "The record, read back." if write else "The record."),
                             **self.error_responses(codes)}
        tag = {"ETag": {"$ref": "#/components/headers/ETag"}}
        made["responses"]["200"]["headers"].update(tag)
        if write:
            made["responses"]["200"]["headers"]["Idempotency-Replayed"] = {
                "$ref": "#/components/headers/IdempotencyReplayed"}
        else:
            made["responses"]["304"] = {"description": "Unchanged: If-None-Match names what would be answered.",
                                        "headers": {**self.response_headers(304), **tag}}
        made["security"] = [{"connectionToken": []}]
        return made

    def body_of(self, words):
        # A form is all that RFC 6749 knows; that JSON is taken too stands in the description, since
        # generators of clients want one type of body.
        kind = "application/x-www-form-urlencoded" if words.get("form") else "application/json"
        return {"required": not words.get("body_optional", False),
                "content": {kind: {"schema": self.ref_schema(words["body"])}}}

    def system_operation(self, operation):
        words, groups = self.schema.words_of(operation), self.schema.about["errors"]
        many = operation["list"] or words.get("list", False)
        codes = groups["always"] + words.get("errors", [])
        codes += {"none": [], "connection": groups["token"] + groups["connection"]}.get(
            operation["token"], groups["token"])
        codes += groups["body"] if words.get("body") and not words.get("oauth_errors") else []
        made = {"operationId": camel(operation["id"]), "tags": [words.get("tag", "System")],
                "summary": words["summary"], "description": words["description"],
                "parameters": self.path_parameters(operation["path"]) +
                              (self.list_parameters(None) if operation["list"] else [])}
        if words.get("body"):
            made["requestBody"] = self.body_of(words)
        made["parameters"] += [self.ref_parameter(row["name"], query_parameter(row)) for row in words.get("query", [])]
        if words.get("redirect"):
            made["responses"] = self.browser_responses(codes)
        else:
            made["responses"] = {"200": self.system_success(words, many),
                                 **self.error_responses(codes, words.get("oauth_errors", False))}
        made["security"] = {"client": [{"clientSecret": []}, {}], "none": []}.get(
            words.get("security", operation["token"] if operation["token"] == "none" else ""),
            [{"applicationToken": []}, {"clientCredentials": []}] if operation["token"] == "application"
            else [{"connectionToken": []}])
        return made

    def browser_responses(self, codes):
        """For a person's browser: sent on, or shown a page that names the code."""
        location = {"description": "Where to go on.", "schema": {"type": "string"}, "example": "https://app.example.com"}
        found = {"303": {"description": "The browser is sent on.",
                         "headers": {**self.response_headers(303), "Location": location}}}
        for status in sorted({self.schema.errors[code][0] for code in codes}):
            listed = "".join(f"\n- `{code}`: {self.schema.errors[code][2]}" for code in sorted(set(codes))
                             if self.schema.errors[code][0] == status)
            found[str(status)] = {"description": f"{STATUS_WORDS[status]} A page for people.\n{listed}",
                                  "headers": self.response_headers(status),
                                  "content": {"text/html": {"schema": {"type": "string"}}}}
        return found

    def system_success(self, words, many):
        name = words.get("answer")
        if name is None:
            return {"description": "Done.", "headers": self.response_headers(200)}
        if words.get("bare"):
            example = self.schema.about["schemas"][name].get("example")
            made = self.success(self.ref_schema(name), example, "Done.")
            if example is None:
                del made["content"]["application/json"]["example"]
            return made
        example = self.envelope_example(name, many)
        return self.success(self.envelope(name, many), example, "Done.")

    def server_operation(self, row):
        content = {"schema": {"type": "string" if row["type"] == "text/html" else "object"}}
        if row.get("answer"):
            content = {"schema": self.ref_schema(row["answer"])}
        responses = {"200": {"description": "It is there.", "headers": self.response_headers(200),
                             "content": {row["type"]: content}}}
        if row.get("cached"):
            responses["304"] = {"description": "Unchanged: If-None-Match names what is here.",
                                "headers": self.response_headers(304)}
        if row.get("unready"):
            responses["503"] = {**responses["200"], "description": "Not now."}
        codes = [code for code in self.schema.about["errors"]["always"]
                 if not (row.get("unready") and self.schema.errors[code][0] == 503)]
        return {"operationId": "server" + row["id"].capitalize(), "tags": ["Server"], "summary": row["summary"],
                "description": row.get("description", row["summary"] + "."), "parameters": [],
                "responses": {**responses, **self.error_responses(codes)}, "security": []}

    def alias(self, operation, made, number):
        """The same operation under an older path."""
        made = copy.deepcopy(made)
        made.update({"operationId": f"{made['operationId']}Older{number or ''}", "tags": ["Other paths"],
                     "deprecated": True, "summary": made["summary"] + " (other path)",
                     "description": f"The same as `{operation['method']} {operation['path']}`."})
        return made

    def build(self):
        by_number, seen = {}, {}
        for number, operation in enumerate(self.schema.operations):
            build = self.system_operation if operation["kind"] == "system" else self.data_operation
            by_number[number] = build(operation)
            self.add(operation["path"], operation["method"], by_number[number])
        for path, number in self.schema.routes:
            operation = self.schema.operations[number]
            if path != operation["path"]:
                self.add(path, operation["method"], self.alias(operation, by_number[number], seen.get(number, 0)))
                seen[number] = seen.get(number, 0) + 1
        for row in self.schema.about["server"]:
            self.add(row["path"], "GET", self.server_operation(row))
        for made in self.components["responses"].values():
            del made["codes"]
        used = {tag for item in self.paths.values() for one in item.values() for tag in one["tags"]}
        about = self.schema.about
        return {
            "openapi": "", "info": {
                "title": about["title"], "version": self.schema.version, "description": about["description"],
                "contact": {"name": about["contact"]},
                "license": {"name": about["license"], "url": about["license_url"]}},
            "servers": [{"url": "/", "description": "The server that this document comes from."}],
            "tags": [{"name": name, "description": text} for name, text in about["tags"].items() if name in used],
            "paths": self.paths, "components": self.components}


# -- the two versions ---------------------------------------------------------------------------------
def pointer(name):
    return name if name.startswith("#") else f"#/components/schemas/{name}"


class Dialect:
    """Writes schemas in the words of 3.1 (JSON Schema 2020-12) or 3.0."""

    def __init__(self, version):
        self.new = version == "3.1"
        self.twins = set()  # schemas that 3.0 needs a second time, nullable

    def reference(self, node):
        target, words = node["$ref"], node.get("description")
        if not node.get("nullable"):
            return {"$ref": pointer(target)}
        if self.new:
            made = {"anyOf": [{"$ref": pointer(target)}, {"type": "null"}]}
        else:
            self.twins.add(target)
            made = {"allOf": [{"$ref": pointer(target + "OrNull")}]}
        return {**made, "description": words} if words else made

    def schema(self, node):
        if isinstance(node, list):
            return [self.schema(value) for value in node]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("$ref"), str):
            return self.reference(node)
        out = {}
        for name, value in node.items():
            if name == "properties":
                out[name] = {key: self.schema(one) for key, one in value.items()}
            elif name == "example":
                out["examples" if self.new else "example"] = [value] if self.new else value
            elif name == "nullable" and self.new:
                out["type"] = [node["type"], "null"]
            elif name == "type" and node.get("nullable") and self.new:
                out.setdefault("type", value)
            elif name in ("enum", "required", "default"):
                out[name] = value
            else:
                out[name] = self.schema(value)
        return out

    def document(self, node, inside_example=False):
        """Everything outside of schemas stays; each `schema` is put in words."""
        if isinstance(node, list):
            return [self.document(value) for value in node]
        if not isinstance(node, dict):
            return node
        out = {}
        for name, value in node.items():
            if name == "schema":
                out[name] = self.schema(value)
            elif name in ("example", "value"):
                out[name] = value
            else:
                out[name] = self.document(value)
        return out


def dialect(document, version):
    words = Dialect(version)
    schemas = document["components"]["schemas"]
    rest = {**document, "components": {**document["components"], "schemas": {}}}
    out = words.document(rest)
    made = {name: words.schema(schemas[name]) for name in sorted(schemas)}
    twins = sorted(words.twins)
    for name in twins:
        twin = {name_: value for name_, value in schemas[name].items() if name_ != "example"}
        made[name + "OrNull"] = words.schema({**twin, "nullable": True,
                                              "description": schemas[name]["description"] + " Or null."})
    plain = json.dumps([out, made])
    for name in twins:  # where nothing but the twin is referred to, it stands alone
        if f'"#/components/schemas/{name}"' not in plain:
            del made[name]
    out["openapi"] = "3.1.1" if version == "3.1" else "3.0.4"
    out["components"]["schemas"] = made
    out["components"]["parameters"] = dict(sorted(out["components"]["parameters"].items()))
    return out


def make(root):
    """{version: document} and the files that they are made of."""
    schema = Schema(root)
    document = Document(schema).build()
    return {version: dialect(document, version) for version in ("3.1", "3.0")}, document, schema


def text_of(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
