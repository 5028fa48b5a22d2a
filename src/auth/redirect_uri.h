// Redirect URIs (RFC 6749 3.1.2, RFC 9700 4.1): which may be registered, and answers through one.
// They are compared byte by byte; nothing is normalised.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_REDIRECT_URI_H
#define FP_AUTH_REDIRECT_URI_H

#include "base/buf.h"

// What is wrong with it, or NULL. Absolute, printable ASCII, no fragment, no user's name, at most
// FP_LIMIT_REDIRECT_URI bytes; https, http to this machine alone, or a private-use scheme with a
// dot in it (RFC 8252 7.1).
const char *redirect_uri_wrong(struct bytes uri);
// The same for a list with single blanks between, at most FP_LIMIT_REDIRECTS_TEXT bytes; empty:
// none.
const char *redirect_uris_wrong(struct bytes list);
// Whether the list has exactly this one.
bool redirect_uris_have(struct bytes list, struct bytes uri);
// The only one of the list; false where there are none or several.
bool redirect_uris_only(struct bytes list, struct bytes *out);

// Appends name=value, form-encoded, to a URI that out holds; nothing for an empty value. The first
// one goes behind a question mark, or behind the query that the URI has.
void redirect_add(struct buf *out, const char *name, struct bytes value);

#endif
