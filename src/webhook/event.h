// What webhooks tell: events by name and by number, and lists of them. Pure.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_WEBHOOK_EVENT_H
#define FP_WEBHOOK_EVENT_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/json_out.h"

// Stored in the database, as numbers and as bits: they must not change.
enum webhook_event {
    WEBHOOK_AUTHENTICATION_REQUIRED, // the source rejected the credential
    WEBHOOK_RECONNECTED,             // a new credential was verified
    WEBHOOK_UNREACHABLE,             // the source does not answer
    WEBHOOK_REACHABLE,               // it answers again
    WEBHOOK_DISCONNECTED,            // somebody ended the connection
    WEBHOOK_TOKEN_ROTATED,           // a token has a successor
    WEBHOOK_TOKEN_REVOKED,           // a token was ended
    WEBHOOK_TEST,                    // somebody asked for it; goes to every endpoint
    WEBHOOK_EVENT_COUNT
};

// Bits of all that an endpoint can choose.
#define WEBHOOK_ALL_EVENTS ((1u << WEBHOOK_TEST) - 1)

// "connection.unreachable"; "?" for a number that is none.
const char *webhook_event_name(unsigned event);
bool webhook_event_known(unsigned event);
// Names with blanks or commas between; empty: all. FP_E_FIELD_INVALID for a name that is none.
enum fp_error webhook_events_parse(struct bytes list, uint32_t *out);
// An array of names.
void webhook_events_write(struct json_out *json, uint32_t events);

#endif
