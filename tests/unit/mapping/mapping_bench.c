// How long mapping takes: parses a recorded answer and maps its rows, again and again, and prints
// the microseconds of one round. Usage: mapping_bench PLATFORM OPERATION FILE
// SPDX-License-Identifier: Apache-2.0
#include "mapping/apply.h"

#include "base/clock.h"
#include "mapping/set.h"
#include "mapping/value.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 400

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    uint8_t *room = NULL;
    size_t got = 0;
    if (file == NULL) {
        return false;
    }
    do {
        buf_commit(out, got);
        room = buf_reserve(out, 65536);
        got = room != NULL ? fread(room, 1, 65536, file) : 0;
    } while (got != 0);
    (void)fclose(file);
    return buf_error(out) == FP_OK;
}

static size_t map_all(const struct mapping *m, const struct mapping_resource *r, yyjson_val *rows,
                      struct buf *out)
{
    struct json_out j = json_out_start(out);
    struct fp_note note = {0};
    struct mapping_hints hints = {0};
    yyjson_val *row = NULL;
    size_t index = 0;
    size_t max = 0;
    buf_clear(out);
    json_begin_array(&j);
    yyjson_arr_foreach(rows, index, max, row)
    {
        struct mapping_record record = {.row = row, .hints = &hints};
        if (mapping_apply(m, r, &record, &j, &note) != FP_OK) {
            (void)fprintf(stderr, "%s: %s\n", note.field, note.text);
            return 0;
        }
    }
    json_end_array(&j);
    return max;
}

static const struct mapping_resource *find(const struct mapping *m, const char *id)
{
    for (unsigned i = 0; i < MODEL_OPERATION_COUNT; i++) {
        if (strcmp(model_operations[i].id, id) == 0) {
            return mapping_resource_of(m, &model_operations[i]);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct mapping_set *set = NULL;
    struct fp_note note = {0};
    struct buf text;
    struct buf out;
    uint64_t parse_ns = 0;
    uint64_t map_ns = 0;
    size_t rows = 0;
    buf_init(&text, 64u << 20);
    buf_init(&out, 64u << 20);
    if (argc != 4 || mapping_set_load(NULL, &set, &note) != FP_OK || !read_file(argv[3], &text)) {
        return 2;
    }
    const struct mapping *m = mapping_set_find(set, bytes_of_text(argv[1]));
    const struct mapping_resource *r = m != NULL ? find(m, argv[2]) : NULL;
    for (int i = 0; r != NULL && i < ROUNDS; i++) {
        uint64_t start = clock_monotonic_ns();
        yyjson_doc *doc = yyjson_read((const char *)text.ptr, text.len, VALUE_READ_FLAGS);
        uint64_t parsed = clock_monotonic_ns();
        yyjson_val *result = yyjson_obj_get(yyjson_doc_get_root(doc), "result");
        rows = map_all(m, r, result, &out);
        map_ns += clock_monotonic_ns() - parsed;
        parse_ns += parsed - start;
        yyjson_doc_free(doc);
    }
    printf("{\"rows\":%zu,\"in\":%zu,\"out\":%zu,\"parse_us\":%.1f,\"map_us\":%.1f}\n", rows,
           text.len, out.len, (double)parse_ns / ROUNDS / 1000, (double)map_ns / ROUNDS / 1000);
    buf_done(&text);
    buf_done(&out);
    mapping_set_free(set);
    return rows != 0 ? 0 : 1;
}
