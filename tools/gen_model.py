#!/usr/bin/env python3
"""Turns schema/ into C: the tables of entities and operations and the tree of routes.

Usage: gen_model.py SCHEMA_DIR OUT.h OUT.c DEPFILE
SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import sys

TYPES = ["key", "text", "number", "boolean", "time", "ref", "refs", "texts", "object", "list", "any"]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
DOMAINS = ["eam", "erp", "wms"]
KINDS = ["list", "item", "sublist", "statuses", "system", "create", "update"]
WRITES = {"create": "POST", "update": "PUT"}
FILTERABLE = {"key", "text", "number", "boolean", "time", "ref"}


def fail(path, text):
    sys.exit(f"{path}: {text}")


def load(path):
    def unique(pairs):
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                fail(path, f"{name} stands twice")
        return dict(pairs)
    try:
        return json.load(open(path, encoding="utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        fail(path, error)


def read_entities(folder):
    entities, paths = [], []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        path = os.path.join(folder, name)
        entity = load(path)
        if entity["name"] + ".json" != name:
            fail(path, "the entity's name is not the file's name")
        paths.append(path)
        entities.append(entity)
    names = {e["name"] for e in entities}
    for entity, path in zip(entities, paths):
        seen = set()
        for field in entity["fields"]:
            if field["type"] not in TYPES or field["name"] in seen:
                fail(path, f"field {field['name']}: unknown type, or it stands twice")
            if field.get("entity", entity["name"]) not in names:
                fail(path, f"field {field['name']}: unknown entity {field['entity']}")
            seen.add(field["name"])
    return entities, paths


def word(text):
    return "".join(c if c.isalnum() else "_" for c in text.replace("/{key}", "")).upper()


def kinds_of(row):
    """(kind, what follows the record's key in the path) of each operation of a resource."""
    return [(kind, "") for kind in row["reads"] + row.get("writes", [])] + [
        ("update", f"/{part}") for part in row.get("parts", [])]


def read_operations(path, entities):
    data = load(path)
    names = {e["name"] for e in entities}
    operations, resources, routes = [], [], []
    for row in data["resources"]:
        if row["entity"] not in names:
            fail(path, f"{row['path']}: unknown entity {row['entity']}")
        resources.append(row)
    for domain in DOMAINS:
        for number, row in enumerate(resources):
            if domain not in row["domains"]:
                continue
            for kind, part in kinds_of(row):
                template = f"/api/{domain}/{row['path']}" + ("/{key}" if kind in ("item", "update") else "") + part
                operations.append({
                    "id": f"{domain}.{(row['path'] + part).replace('/{key}', '').replace('/', '.')}.{kind}",
                    "symbol": f"{domain.upper()}_{word(row['path'] + part)}_{kind.upper()}", "state_only": part != "",
                    "method": WRITES.get(kind, "GET"), "path": template, "domain": domain, "kind": kind,
                    "token": "connection", "entity": row["entity"], "resource": number,
                    "scope": row["path"].split("/")[0 if kind != "statuses" else 1], "list": kind not in ("item", "create", "update")})
    for row in data["system"]:
        operations.append({
            "id": f"system.{row['id']}", "symbol": f"SYSTEM_{row['id'].upper()}", "method": row["method"],
            "path": row["path"], "domain": None, "kind": "system", "token": row["token"], "entity": None,
            "resource": None, "scope": "", "state_only": False, "list": row.get("list", False)})
        routes += [(alias, len(operations) - 1) for alias in row.get("aliases", [])]
    routes = [(o["path"], n) for n, o in enumerate(operations)] + routes
    for alias in data["aliases"]:
        like = [n for n, o in enumerate(operations) if o["path"] == alias["like"] and o["method"] == "GET"]
        if not like:
            fail(path, f"{alias['path']} is like nothing")
        routes.append((alias["path"], like[0]))
    return operations, resources, routes


def header(entities, operations, resources):
    out = ["// Generated from schema/: do not edit.", "#ifndef FP_MODEL_TABLES_H",
           "#define FP_MODEL_TABLES_H", "", "enum model_entity_id {"]
    out += [f"    MODEL_ENTITY_{e['name']}," for e in entities] + ["    MODEL_ENTITY_COUNT", "};", ""]
    out += ["enum model_resource_id {"]
    out += [f"    MODEL_RESOURCE_{word(r['path'])}{'_OF' if '{key}' in r['path'] else ''}," for r in resources]
    out += ["    MODEL_RESOURCE_COUNT", "};", "", "enum model_operation_id {"]
    out += [f"    MODEL_OP_{o['symbol']}," for o in operations]
    out += ["    MODEL_OPERATION_COUNT", "};", "", "#endif", ""]
    return "\n".join(out)


def c_text(text):
    return json.dumps(text)


def entity_tables(entities):
    order = {e["name"]: n for n, e in enumerate(entities)}
    out = []
    for e in entities:
        if e["fields"]:
            out.append(f"static const struct model_field fields_{e['name']}[] = {{")
            for f in e["fields"]:
                member = '"\\"' + f["name"] + '\\":"'
                target = f"&model_entities[{order[f['entity']]}]" if "entity" in f else "NULL"
                flag = "true" if f["type"] in FILTERABLE else "false"
                out.append(f"    {{{c_text(f['name'])}, {{(const uint8_t *){member}, {len(f['name']) + 3}}}, "
                           f"MODEL_TYPE_{f['type'].upper()}, {target}, {flag}}},")
            out += ["};", ""]
    out.append("const struct model_entity model_entities[MODEL_ENTITY_COUNT] = {")
    for e in entities:
        rows = f"fields_{e['name']}" if e["fields"] else "NULL"
        out.append(f"    {{{c_text(e['name'])}, {rows}, {len(e['fields'])}}},")
    return out + ["};", ""]


def operation_tables(operations, resources, entities):
    order = {e["name"]: n for n, e in enumerate(entities)}
    out = ["const struct model_resource model_resources[MODEL_RESOURCE_COUNT] = {"]
    for r in resources:
        kinds = " | ".join(f"1u << MODEL_KIND_{k.upper()}" for k in r["reads"] + r.get("writes", []))
        out.append(f"    {{{c_text(r['path'])}, &model_entities[{order[r['entity']]}], {kinds}}},")
    out += ["};", "", "const struct model_operation model_operations[MODEL_OPERATION_COUNT] = {"]
    for o in operations:
        entity = f"&model_entities[{order[o['entity']]}]" if o["entity"] else "NULL"
        resource = f"&model_resources[{o['resource']}]" if o["resource"] is not None else "NULL"
        domain = f"MODEL_DOMAIN_{(o['domain'] or 'system').upper()}"
        flags = ", ".join("true" if flag else "false" for flag in (o["list"], o["method"] != "GET", o["state_only"]))
        out.append(f"    {{{c_text(o['id'])}, {c_text(o['path'])}, MODEL_METHOD_{o['method']}, {domain}, "
                   f"MODEL_KIND_{o['kind'].upper()}, MODEL_TOKEN_{o['token'].upper()}, {flags}, "
                   f"{c_text(o['scope'])}, {entity}, {resource}}},")
    return out + ["};", ""]


def route_tables(operations, routes):
    """A tree of path segments, flattened; the children of a node lie together, sorted by name."""
    root = {"children": {}, "ops": {}}
    for path, number in routes:
        node = root
        for segment in path.strip("/").split("/"):
            name = None if segment.startswith("{") else segment
            node = node["children"].setdefault(name, {"children": {}, "ops": {}})
        method = operations[number]["method"]
        if method in node["ops"]:
            fail("operations.json", f"{method} {path} stands twice")
        node["ops"][method] = number
    flat, queue = [(None, root)], [root]
    while queue:
        node = queue.pop(0)
        names = sorted(n for n in node["children"] if n is not None)
        node["first"], node["count"] = len(flat), len(names)
        flat += [(n, node["children"][n]) for n in names]
        node["wild"] = len(flat) if None in node["children"] else 0
        if None in node["children"]:
            flat.append((None, node["children"][None]))
        queue += [child for _, child in flat[node["first"]:]]
    out = ["const struct model_route_node model_route_nodes[] = {"]
    for name, node in flat:
        ops = ", ".join(str(node["ops"].get(m, 65535)) for m in METHODS)
        out.append(f"    {{{c_text(name) if name else 'NULL'}, {node['first'] if node['count'] else 0}, "
                   f"{node['count']}, {node['wild']}, {{{ops}}}}},")
    return out + ["};", ""]


def main():
    folder, out_h, out_c, depfile = sys.argv[1:5]
    entities, paths = read_entities(os.path.join(folder, "entities"))
    table = os.path.join(folder, "operations.json")
    operations, resources, routes = read_operations(table, entities)
    open(out_h, "w").write(header(entities, operations, resources))
    source = ["// Generated from schema/: do not edit.", '#include "model/model.h"', ""]
    source += entity_tables(entities) + operation_tables(operations, resources, entities)
    source += route_tables(operations, routes)
    open(out_c, "w").write("\n".join(source))
    inputs = " ".join(paths + [table, os.path.join(folder, "entities")])
    open(depfile, "w").write(f"{out_h} {out_c}: {inputs}\n")


if __name__ == "__main__":
    main()
