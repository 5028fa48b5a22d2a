// The table of keys as text: the commented file that `init` writes, and its documentation.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONFIG_CONFIG_TEXT_H
#define FP_CONFIG_CONFIG_TEXT_H

#include "base/buf.h"

struct config_setting {
    const char *path;  // of a key
    const char *value; // as it is written in YAML
};

// fishplate.yaml: every key with its meaning. Those in settings (NULL at the end; may be NULL) with
// their value, all others commented out with their default.
void config_write_yaml(const struct config_setting *settings, struct buf *out);
// docs/configuration.md.
void config_write_markdown(struct buf *out);
// The keys alone, one a line: for tests and completion.
void config_write_keys(struct buf *out);

#endif
