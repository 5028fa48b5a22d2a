// What a token may do, as text (RFC 6749 section 3.3): items separated by single blanks, each
// "<what>:read" or "<what>:write". <what> is "*" (everything), a domain ("erp"), or a resource: the
// first part of the path behind the domain in lower case with underscores ("purchase_orders" for
// /api/erp/purchase-orders and its line-items and sub-lists). write does not include read. An empty
// list allows nothing.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_SCOPES_H
#define FP_AUTH_SCOPES_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/note.h"

#define SCOPES_ALL   "*:read *:write" // a token without restriction
#define SCOPE_NEEDED 80               // "<resource>:write" and NUL

struct scope_need {
    struct bytes domain;   // "erp"; empty for operations outside of the domains
    struct bytes resource; // "purchase-orders", as in the path: dashes, and all behind it
    bool write;            // changes something
};

// FP_E_FIELD_INVALID with a note: not of the form above, an empty item, longer than SCOPES_TEXT.
enum fp_error scopes_check(struct bytes scopes, struct fp_note *note);
// Whether the list (checked before) covers the need.
bool scopes_allow(struct bytes scopes, const struct scope_need *need);
// Whether every item of inner stands in outer, by itself or as "*" (both checked before).
bool scopes_within(struct bytes inner, struct bytes outer);
// The narrowest scope that would have been enough, for the evidence of PERMISSION_MISSING.
void scopes_needed(const struct scope_need *need, char out[static SCOPE_NEEDED]);

#endif
