#!/usr/bin/env python3
"""Turns src/link/link.def into C structs, encoders, checked decoders and the table of rules.

Usage: gen_link.py link.def limits.def OUT.h OUT.c
SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

ROOMS = ["supervisor", "gateway", "vault", "egress", "console", "control"]
WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i64": 8}
C_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t", "i64": "int64_t"}
HEADER = 8


def fail(path, number, text):
    sys.exit(f"{path}:{number}: {text}")


def read_limits(path):
    rows = re.findall(r"^FP_LIMIT\((\w+), *(\d+),", open(path).read(), re.M)
    return {name: int(value) for name, value in rows}


def read_messages(path, limits):
    messages = []
    for number, raw in enumerate(open(path), 1):
        line = raw.split("#")[0].rstrip()
        if not line:
            continue
        head = re.fullmatch(r"message (\w+) (\d+): ([\w|]+) -> ([\w|]+)", line)
        if head:
            name, code, senders, receivers = head.groups()
            rooms = lambda text: ROOMS if text == "any" else text.split("|")
            for room in rooms(senders) + rooms(receivers):
                if room not in ROOMS:
                    fail(path, number, f"unknown room {room}")
            if any(m["code"] == int(code) or m["name"] == name for m in messages):
                fail(path, number, f"{name} or its number stands twice")
            messages.append({"name": name, "code": int(code), "from": rooms(senders),
                             "to": rooms(receivers), "fields": []})
            continue
        field = re.fullmatch(r"    (u8|u16|u32|u64|i64|bytes|secret) (\w+)(?: (\w+))?", line)
        if not field or not messages:
            fail(path, number, f"not a message and not a field: {line.strip()}")
        kind, name, limit = field.groups()
        maximum = None
        if kind in ("bytes", "secret"):
            if limit is None:
                fail(path, number, f"{name} needs a maximum")
            maximum = int(limit) if limit.isdigit() else limits.get(limit)
            if maximum is None:
                fail(path, number, f"{limit} is no row of limits.def")
        messages[-1]["fields"].append((kind, name, maximum))
    return messages


def sizes(message):
    least = HEADER + sum(WIDTHS.get(kind, 4) for kind, _, _ in message["fields"])
    most = least + sum(maximum or 0 for _, _, maximum in message["fields"])
    return least, most


def mask(rooms):
    return " | ".join(f"1u << LINK_ROOM_{room.upper()}" for room in rooms)


def header(messages):
    out = ["// Generated from link.def: do not edit.",
           "#ifndef FP_LINK_MESSAGES_H", "#define FP_LINK_MESSAGES_H", "",
           '#include "base/buf.h"', '#include "base/error.h"', "", "enum link_room {"]
    out += [f"    LINK_ROOM_{room.upper()}," for room in ROOMS]
    out += ["    LINK_ROOM_COUNT", "};", "", "enum link_number {"]
    out += [f"    LINK_{m['name']} = {m['code']}," for m in messages]
    out += [f"    LINK_NUMBERS = {max(m['code'] for m in messages) + 1}", "};", ""]
    for m in messages:
        low = m["name"].lower()
        out.append(f"struct link_{low} {{")
        for kind, name, maximum in m["fields"]:
            if kind in C_TYPES:
                out.append(f"    {C_TYPES[kind]} {name};")
            else:
                out.append(f"    struct bytes {name}; // at most {maximum} bytes; view, not owned")
        out += ["};",
                f"// Appends the whole frame. FP_E_LIMIT_EXCEEDED where a field is over its maximum or the",
                "// buffer is full: then nothing is appended.",
                f"enum fp_error link_put_{low}(struct buf *out, const struct link_{low} *in);",
                f"// Reads the body of a frame with this number; views point into it.",
                f"enum fp_error link_get_{low}(struct bytes body, struct link_{low} *out);", ""]
    out += ["#endif", ""]
    return "\n".join(out)


def encoder(m):
    low = m["name"].lower()
    out = [f"enum fp_error link_put_{low}(struct buf *out, const struct link_{low} *in)", "{",
           "    struct link_writer w = {0};"]
    checks = [f"in->{name}.len > {maximum}u" for kind, name, maximum in m["fields"]
              if kind not in C_TYPES]
    total = [str(sizes(m)[0]) + "u"] + [f"in->{name}.len" for kind, name, _ in m["fields"]
                                        if kind not in C_TYPES]
    if checks:
        out.append("    if (" + " || ".join(checks) + ") {")
        out += ["        return FP_E_LIMIT_EXCEEDED;", "    }"]
    out.append(f"    if (!link_writer_begin(&w, out, LINK_{m['name']}, {' + '.join(total)})) {{")
    out += ["        return buf_error(out);", "    }"]
    for kind, name, _ in m["fields"]:
        if kind in C_TYPES:
            out.append(f"    link_writer_number(&w, (uint64_t)in->{name}, {WIDTHS[kind]});")
        else:
            out.append(f"    link_writer_bytes(&w, in->{name});")
    out += ["    link_writer_end(&w);", "    return FP_OK;", "}", ""]
    return out


def decoder(m):
    low = m["name"].lower()
    out = [f"enum fp_error link_get_{low}(struct bytes body, struct link_{low} *out)", "{",
           f"    struct link_{low} in = {{0}};", "    struct link_reader r = {body, true};"]
    for kind, name, maximum in m["fields"]:
        if kind in C_TYPES:
            out.append(f"    in.{name} = ({C_TYPES[kind]})link_reader_number(&r, {WIDTHS[kind]});")
        else:
            out.append(f"    in.{name} = link_reader_bytes(&r, {maximum}u);")
    out += ["    if (!r.good || r.rest.len != 0) {", "        return FP_E_MESSAGE_INVALID;", "    }",
            "    *out = in;", "    return FP_OK;", "}", ""]
    return out


def source(messages):
    out = ["// Generated from link.def: do not edit.", '#include "link/link_messages.h"', "",
           '#include "link/link.h"', '#include "link/link_wire.h"', ""]
    for m in messages:
        out += encoder(m) + decoder(m)
    out += ["static const struct link_rule rules[LINK_NUMBERS] = {"]
    for m in messages:
        least, most = sizes(m)
        secret = "true" if any(kind == "secret" for kind, _, _ in m["fields"]) else "false"
        out.append(f"    [LINK_{m['name']}] = {{\"{m['name']}\", {mask(m['from'])}, {mask(m['to'])}, "
                   f"{least}, {most}, {secret}}},")
    out += ["};", "", "const struct link_rule *link_rule(unsigned number)", "{",
            "    return number < LINK_NUMBERS && rules[number].name != NULL ? &rules[number] : NULL;",
            "}", ""]
    return "\n".join(out)


def main():
    definition, limits, out_h, out_c = sys.argv[1:5]
    messages = read_messages(definition, read_limits(limits))
    open(out_h, "w").write(header(messages))
    open(out_c, "w").write(source(messages))


if __name__ == "__main__":
    main()
