"""The OpenAPI document as a client has it: operations, and answers checked against their schemas."""
# SPDX-License-Identifier: Apache-2.0
import jsonschema

METHODS = ("get", "post", "put", "patch", "delete")


def operations(document):
    """[(path, METHOD, operation)] in the document's order."""
    return [(path, method.upper(), made) for path, item in document["paths"].items()
            for method, made in item.items() if method in METHODS]


def follow(document, node):
    """What a $ref at the top of node stands for."""
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def parameters(document, operation):
    """{name: parameter}."""
    found = [follow(document, row) for row in operation.get("parameters", [])]
    return {row["name"]: row for row in found}


def as_json_schema(node):
    """A schema of OpenAPI 3.0 in the words of JSON Schema: `nullable` adds null to `type`, nothing
    else (3.0.4, Schema Object)."""
    if isinstance(node, list):
        return [as_json_schema(value) for value in node]
    if not isinstance(node, dict):
        return node
    out = {name: as_json_schema(value) for name, value in node.items() if name != "nullable"}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        out["type"] = [node["type"], "null"]
    return out


class Checker:
    """Validates bodies against the document, 3.1 or 3.0."""

    def __init__(self, document):
        self.document = document
        schemas = document["components"]["schemas"]
        if document["openapi"].startswith("3.0"):
            schemas = as_json_schema(schemas)
        self._root = {"components": {"schemas": schemas}}
        self._old = document["openapi"].startswith("3.0")
        self._validators = {}

    def validator(self, schema):
        name = repr(schema)
        if name not in self._validators:
            schema = as_json_schema(schema) if self._old else schema
            self._validators[name] = jsonschema.Draft202012Validator({**self._root, "allOf": [schema]})
        return self._validators[name]

    def check(self, operation, answer):
        """Fails unless the answer is one that the operation lists, of the shape that it says there."""
        wanted = operation["responses"].get(str(answer.status))
        assert wanted is not None, f"{operation['operationId']} lists no {answer.status}: {answer}"
        wanted = follow(self.document, wanted)
        for name in wanted.get("headers", {}):
            optional = ("Retry-After", "Idempotency-Replayed") + (("ETag",) if "validate_only" in answer.json else ())
            assert answer.header(name) is not None or name in optional, (name, answer.headers)
        schema = wanted["content"]["application/json"]["schema"]
        errors = list(self.validator(schema).iter_errors(answer.json))
        assert errors == [], f"{operation['operationId']} {answer.status}: " + "; ".join(
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors[:5])
