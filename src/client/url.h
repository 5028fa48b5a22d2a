// Checks of a URL before anything is sent to it. RFC 3986, stricter: what is ambiguous is refused.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_URL_H
#define FP_CLIENT_URL_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/note.h"

#include <stdbool.h>
#include <stdint.h>

struct client_url {
    struct bytes host; // as written, without brackets
    struct bytes path; // begins with '/', with the query; or empty
    uint16_t port;     // explicit or the scheme's own
    bool tls;          // https
    bool v6;           // host stood in brackets
};

// Views point into url. FP_E_SOURCE_SETTINGS_INVALID with a note (which never repeats more than the
// host): scheme other than http and https, userinfo, control characters, blanks, backslashes, bytes
// beyond ASCII, fragment, empty or malformed host, port outside 1 to 65535, longer than URL_TEXT
// (base) plus HTTP_TARGET.
enum fp_error client_url_check(struct bytes url, struct client_url *out, struct fp_note *note);
// Scheme, host (any case) and port are the same.
bool client_url_same_origin(const struct client_url *a, const struct client_url *b);

#endif
