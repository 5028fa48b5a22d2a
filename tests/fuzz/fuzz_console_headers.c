// The dashboard's headers, path and form as a stranger may send them: first byte says which.
// SPDX-License-Identifier: Apache-2.0
#include "auth/console_headers.h"
#include "auth/console_route.h"
#include "base/bug.h"
#include "base/limits.h"
#include "registry/audit_find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_reason(struct bytes text)
{
    struct buf out;
    buf_init(&out, FP_LIMIT_CONSOLE_REASON);
    if (console_reason_decode(text, &out) &&
        (out.len > FP_LIMIT_CONSOLE_REASON || !bytes_is_utf8(buf_bytes(&out)))) {
        fp_bug("a reason that is none");
    }
    buf_done(&out);
}

static void try_origin(struct bytes text)
{
    struct console_origin from = {.method = BYTES("POST"), .has_origin = true};
    if (bytes_split(&text, '\n', &from.origin) && bytes_split(&text, '\n', &from.host)) {
        from.site = text;
        from.has_site = text.len != 0;
        if (console_same_origin(&from) && from.origin.len != from.host.len + 8) {
            fp_bug("another origin was taken for ours");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size), method = {0};
    struct console_route route = {0};
    struct console_question q = {.action = CONSOLE_AUDIT};
    struct audit_find find;
    uint8_t what = size != 0 ? data[0] : 0;
    enum fp_error error = FP_OK;
    text = bytes_slice(text, 1, size);
    switch (what) {
    case 'c':
        if (console_cookie_session(text).len > CONSOLE_SESSION_MAX) {
            fp_bug("a session that is too long");
        }
        break;
    case 'r':
        try_reason(text);
        break;
    case 'o':
        try_origin(text);
        break;
    case 'f':
        q.form = text;
        error = audit_find_plan(&q, &find);
        break;
    default:
        (void)bytes_split(&text, ' ', &method);
        error = console_route_find(method, text, &route);
        if (error == FP_OK && console_action_row(route.action) == NULL) {
            fp_bug("an action without a row");
        }
    }
    (void)error;
    return 0;
}
