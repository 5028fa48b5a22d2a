// The files of web/connect/, made into one table by the build: assets by name, and each page once
// for every language as "gone.de.html". SPDX-License-Identifier: Apache-2.0
#ifndef FP_GATEWAY_WEB_FILES_H
#define FP_GATEWAY_WEB_FILES_H

#include "base/bytes.h"

struct web_file {
    const char *name;     // "connect.js"
    const char *type;     // media type
    struct bytes content; // its bytes
};

extern const struct web_file web_files[]; // ends with a name of NULL

#endif
