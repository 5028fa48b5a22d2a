// The life of a connection: which state follows from which event, with what reason, and what must
// then be done. Decides only; the registry writes it down and the vault acts on it. Pure.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONNECTION_LIFE_H
#define FP_CONNECTION_LIFE_H

#include "base/bytes.h"
#include "base/error.h"

// Stored in the database: numbers must not change.
enum connection_state {
    CONNECTION_PENDING = 1,                  // no credential was verified yet
    CONNECTION_ACTIVE = 2,                   // usable
    CONNECTION_UNREACHABLE = 3,              // the source did not answer; calls go on trying
    CONNECTION_REQUIRES_REAUTHORIZATION = 4, // the source rejected the credential
    CONNECTION_DISCONNECTED = 5,             // ended; the credential is destroyed
    CONNECTION_ERASED = 6                    // the customer's key is destroyed too
};

// Why a connection is in its state. Stored in the database: numbers must not change.
enum connection_reason {
    CONNECTION_REASON_CREATED = 1,
    CONNECTION_REASON_CONNECTED = 2,
    CONNECTION_REASON_RECONNECTED = 3,
    CONNECTION_REASON_SOURCE_REACHABLE = 4,
    CONNECTION_REASON_SOURCE_UNREACHABLE = 5,
    CONNECTION_REASON_CREDENTIALS_REJECTED = 6,
    CONNECTION_REASON_DISCONNECTED_BY_APPLICATION = 7,
    CONNECTION_REASON_DISCONNECTED_BY_CONNECTION = 8, // with the connection's own token
    CONNECTION_REASON_DISCONNECTED_BY_OPERATOR = 9,
    CONNECTION_REASON_ERASED = 10
};

enum connection_event_kind {
    CONNECTION_EVENT_VERIFIED,     // the first credential works
    CONNECTION_EVENT_ANSWERED,     // the source accepted the credential in a call
    CONNECTION_EVENT_UNREACHABLE,  // the source did not answer
    CONNECTION_EVENT_REJECTED,     // the source rejected the credential
    CONNECTION_EVENT_RECONNECTED,  // a new credential was verified
    CONNECTION_EVENT_DISCONNECTED, // somebody ended it
    CONNECTION_EVENT_ERASED,       // the customer is erased
    CONNECTION_EVENT_COUNT
};

// What has to be done when the new state is written, bits.
enum connection_effect {
    CONNECTION_EFFECT_FORGET = 1,             // egress drops its sessions
    CONNECTION_EFFECT_SUPERSEDE_TOKENS = 2,   // older tokens: TOKEN_SUPERSEDED from now on
    CONNECTION_EFFECT_REVOKE_TOKENS = 4,      // all its tokens are dead
    CONNECTION_EFFECT_DESTROY_CREDENTIAL = 8, // all versions
    CONNECTION_EFFECT_DESTROY_KEY = 16        // the customer's data key
};

struct connection_life {
    enum connection_state state;   // now
    enum connection_reason reason; // of the last change
    int64_t since_ms;              // of the last change, wall clock
    uint32_t credential_version;   // 0: none yet
};

struct connection_event {
    enum connection_event_kind kind; // what happened
    int64_t at_ms;                   // when, wall clock
    uint32_t credential_version;     // ANSWERED, REJECTED: the version that was used
    enum connection_reason reason;   // DISCONNECTED: who; otherwise unused
};

struct connection_step {
    bool changed;                // false: nothing to write
    struct connection_life life; // as it is afterwards
    unsigned effects;            // enum connection_effect, or-ed
};

// What an event makes of a connection. FP_E_STATE_CONFLICT: this event cannot happen in this state.
// Evidence about another credential version than the present one changes nothing, and so does late
// news of the source about a connection that has ended.
enum fp_error connection_advance(const struct connection_life *life,
                                 const struct connection_event *event, struct connection_step *out);
// What the outcome of a call at the source says about the connection; false: nothing.
bool connection_event_of_outcome(enum fp_error outcome, enum connection_event_kind *out);
// Whether calls may go to the source: FP_OK, FP_E_REAUTHORIZATION_REQUIRED or
// FP_E_CONNECTION_DISCONNECTED.
enum fp_error connection_usable(enum connection_state state);

// "active", "requires_reauthorization" and so on; "CREDENTIALS_REJECTED" and so on; "?" for numbers
// that are none.
const char *connection_state_name(enum connection_state state);
const char *connection_reason_name(enum connection_reason reason);
// Whether a stored number is a state or reason.
bool connection_state_known(unsigned number);
bool connection_reason_known(unsigned number);

#endif
