// Writing the table.
// SPDX-License-Identifier: Apache-2.0
#include "config/config_text.h"

#include "config/config_int.h"

#include <string.h>

#define TEXT_WIDTH 96

static const char *text_setting(const struct config_setting *settings, const char *path)
{
    for (; settings != NULL && settings->path != NULL; settings++) {
        if (strcmp(settings->path, path) == 0) {
            return settings->value;
        }
    }
    return NULL;
}

static void text_indent(struct buf *out, size_t depth)
{
    for (size_t i = 0; i < depth * 2; i++) {
        buf_append_byte(out, ' ');
    }
}

// The help as comment lines, broken at blanks.
static void text_comment(struct buf *out, const char *help, size_t depth)
{
    struct bytes rest = bytes_of_text(help), word = {0};
    size_t column = 0;
    while (bytes_split(&rest, ' ', &word)) {
        if (column == 0 || column + 1 + word.len > TEXT_WIDTH) {
            if (column != 0) {
                buf_append_byte(out, '\n');
            }
            text_indent(out, depth);
            buf_append_text(out, "#");
            column = depth * 2 + 1;
        }
        buf_append_byte(out, ' ');
        buf_append_bytes(out, word);
        column += 1 + word.len;
    }
    buf_append_byte(out, '\n');
}

// Opens the sections of a path that are not open yet; returns the depth of the key itself.
static size_t text_sections(struct buf *out, const char *path, const char *before)
{
    size_t depth = 0, start = 0;
    for (size_t i = 0; path[i] != '\0'; i++) {
        if (path[i] != '.') {
            continue;
        }
        // open already where the previous key begins with the same section
        if (strncmp(path, before, i + 1) != 0) {
            text_indent(out, depth);
            buf_append(out, path + start, i - start);
            buf_append_text(out, ":\n");
        }
        depth++;
        start = i + 1;
    }
    return depth;
}

static const char *text_last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? path : dot + 1;
}

static const char *text_quoted_empty(const char *value)
{
    return value[0] == '\0' ? "\"\"" : value;
}

void config_write_yaml(const struct config_setting *settings, struct buf *out)
{
    const char *before = "";
    buf_append_text(out,
                    "# fishplate.yaml: every setting with its meaning. What is commented out shows "
                    "its default.\n"
                    "# Relative paths count from this file's folder. An environment variable "
                    "overrides a setting:\n"
                    "# api.body_limit is FISHPLATE_API__BODY_LIMIT. Check with: "
                    "fishplate serve --check-config\n\n");
    for (const struct config_row *row = config_rows; row->path != NULL; row++) {
        const char *value = text_setting(settings, row->path);
        size_t depth = text_sections(out, row->path, before);
        text_comment(out, row->help, depth);
        text_indent(out, depth);
        buf_printf(out, "%s%s: %s\n", value == NULL ? "# " : "", text_last_name(row->path),
                   text_quoted_empty(value == NULL ? row->fallback : value));
        before = row->path;
    }
}

void config_write_markdown(struct buf *out)
{
    buf_append_text(
        out,
        "# Configuration\n\n"
        "One file, `fishplate.yaml`; `fishplate init` writes it with every key explained. Unknown "
        "keys, wrong types and\nvalues out of range are refused at start with line and reason; "
        "`fishplate serve --check-config` only checks.\nRelative paths count from the file's "
        "folder. Each key has an environment variable that overrides it: capitals,\na dot is two "
        "underscores (`api.body_limit`: `FISHPLATE_API__BODY_LIMIT`); lists are written with "
        "commas there.\nA `FISHPLATE_` variable that stands for no key is refused as well.\n\n"
        "Sizes: `4096`, `64KiB`, `1MiB`. Times: `1500ms`, `10s`, `2m`. Made from "
        "`src/config/config_table.c` by a test;\ndo not edit.\n\n"
        "| key | type | default | meaning |\n|---|---|---|---|\n");
    for (const struct config_row *row = config_rows; row->path != NULL; row++) {
        buf_printf(out, "| `%s` | %s | ", row->path, config__kind_name(row->kind));
        if (row->fallback[0] != '\0') {
            buf_printf(out, "`%s`", row->fallback);
        }
        buf_printf(out, " | %s |\n", row->help);
    }
}

void config_write_keys(struct buf *out)
{
    for (const struct config_row *row = config_rows; row->path != NULL; row++) {
        buf_printf(out, "%s\n", row->path);
    }
}
