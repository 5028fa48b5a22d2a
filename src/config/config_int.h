// Shared by the files of this folder only: the table of keys.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONFIG_CONFIG_INT_H
#define FP_CONFIG_CONFIG_INT_H

#include "config/config.h"

#include "base/bytes.h"

#include <stddef.h>

enum config_kind {
    CONFIG_KIND_PATH,      // file or folder; relative ones count from the configuration's folder
    CONFIG_KIND_TEXT,      // as it stands
    CONFIG_KIND_LISTENERS, // list of addresses
    CONFIG_KIND_LISTENER,  // one address
    CONFIG_KIND_ORIGINS,   // list of web origins, or "*"
    CONFIG_KIND_NETWORKS,  // list of CIDRs, kept as one text with commas
    CONFIG_KIND_COUNT,     // whole number
    CONFIG_KIND_SIZE,      // bytes: 4096, 64KiB, 1MiB
    CONFIG_KIND_TIME,      // milliseconds: 1500ms, 10s, 2m; a bare number is ms
    CONFIG_KIND_BOOL,      // true, false
    CONFIG_KIND_LEVEL,     // debug, info, warning, error
    CONFIG_KIND_SOURCE     // where the master key comes from
};

struct config_row {
    const char *path;      // "api.timeouts.header"
    enum config_kind kind; // how it is read
    size_t offset;         // in struct config
    size_t room;           // bytes of the member (of one entry, of a list)
    uint64_t least;        // smallest value of a number
    uint64_t most;         // largest value of a number; entries of a list
    const char *fallback;  // default, as it would be written
    const char *help;      // one or two sentences for people
};

#define CONFIG_NAME 64 // bytes of the longest path of a key

// Ends with a row whose path is NULL. Rows of one section stand together.
extern const struct config_row config_rows[];
const struct config_row *config__find(const char *path);
// Whether keys exist below this path.
bool config__is_section(const char *path);
// Reads one value (of a list: all entries at once, with commas). base: folder that relative paths
// count from. FP_E_CONFIG_INVALID with the reason, without position, in note.
enum fp_error config__set(struct config *config, const struct config_row *row, struct bytes text,
                          const char *base, struct fp_note *note);
// "number", "list of addresses", ...: what a value of this kind is called.
const char *config__kind_name(enum config_kind kind);
// The choices of CONFIG_KIND_SOURCE, ends with NULL; keys/ has the table of what they do.
extern const char *const config_key_sources[];
// What must hold between values. The note names the key.
enum fp_error config__check(const struct config *config, struct fp_note *note);
// Values that follow from others where they were not given.
void config__derive(struct config *config);

#endif
