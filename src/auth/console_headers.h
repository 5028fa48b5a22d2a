// What the console takes from a browser's headers: the session of its cookie, the reason somebody
// gave, and whether one of our own pages sent the request. Pure.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_CONSOLE_HEADERS_H
#define FP_AUTH_CONSOLE_HEADERS_H

#include "base/buf.h"
#include "base/bytes.h"

#define CONSOLE_COOKIE_NAME "__Host-fishplate"
#define CONSOLE_SESSION_MAX 64 // bytes of a session in a cookie; ours have 43

// The session in the value of a Cookie header; empty where there is none, more than one, or one
// that is too long. A view.
struct bytes console_cookie_session(struct bytes cookie);
// A percent-encoded reason into an empty buffer; control characters become blanks. false: too long
// for out, or no UTF-8; out is then empty.
bool console_reason_decode(struct bytes text, struct buf *out);

struct console_origin {
    struct bytes method; // "GET"
    struct bytes host;   // value of Host
    struct bytes origin; // value of Origin
    struct bytes site;   // value of Sec-Fetch-Site
    bool has_origin;     // it was sent
    bool has_site;       // it was sent
};
// Browsers name the origin of everything but a plain GET, and tell in Sec-Fetch-Site how the sender
// stands to us; a program that is no browser sends neither with a GET.
bool console_same_origin(const struct console_origin *request);

#endif
