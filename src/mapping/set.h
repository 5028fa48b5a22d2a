// All definitions of a server: those built into the binary and those of a directory.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_SET_H
#define FP_MAPPING_SET_H

#include "base/json_out.h"
#include "mapping/definition.h"

struct mapping_set;

// The built-in definitions, then every *.yaml of directory (NULL or "": none), where one of the
// same platform takes the place of the built-in one. FP_E_DEFINITION_INVALID with the file in
// note->field; FP_E_IO_FAILED; FP_E_NO_MEMORY.
enum fp_error mapping_set_load(const char *directory, struct mapping_set **out,
                               struct fp_note *note);
// Takes NULL.
void mapping_set_free(struct mapping_set *set);
// NULL where there is none.
const struct mapping *mapping_set_find(const struct mapping_set *set, struct bytes platform);
// In the order of their names; NULL beyond the end.
const struct mapping *mapping_set_at(const struct mapping_set *set, size_t index);
// One platform as GET /api/system/platforms shows it.
void mapping_describe(struct json_out *j, const struct mapping *mapping);
// Loads one file: for `connector check`. As mapping_load(), note->field holds the path.
enum fp_error mapping_load_file(const char *path, struct mapping **out, struct fp_note *note);

#endif
