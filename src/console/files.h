// The files of the dashboard, made from web/dashboard/ at build time by tools/gen_dashboard.py.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONSOLE_FILES_H
#define FP_CONSOLE_FILES_H

#include "base/bytes.h"

struct console_file {
    const char *path;     // "/", "/app.js"
    const char *type;     // of its content
    const char *tag;      // ETag, from its content
    struct bytes content; // as it is
};

extern const struct console_file console_files[]; // ends with a path of NULL

#endif
