// JSON that may hold secrets: parsed into memory that is wiped when it is given back.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_JSON_MEMORY_H
#define FP_CLI_JSON_MEMORY_H

#include "base/arena.h"
#include "base/buf.h"

#include <yyjson.h>

struct cli_json {
    struct arena *arena; // owned, sensitive
    yyjson_val *root;    // in the arena
};

// FP_E_INPUT_INVALID where it is not JSON, or nested deeper than JSON_DEPTH; FP_E_NO_MEMORY.
enum fp_error cli_json_read(struct bytes text, struct cli_json *out);
void cli_json_done(struct cli_json *json);
// Appends a value as text.
enum fp_error cli_json_write(const struct cli_json *json, const yyjson_val *value, struct buf *out);

#endif
