// The definitions inside of the binary, generated from connectors/.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_BUILTIN_H
#define FP_MAPPING_BUILTIN_H

#include "base/bytes.h"

struct mapping_builtin {
    const char *file;  // "tryton.yaml"
    struct bytes text; // YAML
};

extern const struct mapping_builtin mapping_builtins[];
extern const size_t mapping_builtin_count;

#endif
