// The table of states and events.
// SPDX-License-Identifier: Apache-2.0
#include "connection/life.h"

#include "base/bug.h"

#define STATES (CONNECTION_ERASED + 1)

enum life_verdict {
    LIFE_ILLEGAL, // zero: whatever the table does not name
    LIFE_STAY,    // nothing to write
    LIFE_MOVE     // to next, with reason and effects
};

struct life_rule {
    enum life_verdict verdict;     // what happens
    enum connection_state next;    // MOVE: the new state
    enum connection_reason reason; // MOVE: why; 0: the event says it
    unsigned effects;              // MOVE: what must be done
    bool next_version;             // MOVE: a new credential version begins
};

#define STAY                                                                                       \
    {                                                                                              \
        LIFE_STAY, 0, 0, 0, false                                                                  \
    }
#define ENDS                                                                                       \
    {                                                                                              \
        LIFE_MOVE, CONNECTION_DISCONNECTED, 0,                                                     \
            CONNECTION_EFFECT_FORGET | CONNECTION_EFFECT_REVOKE_TOKENS |                           \
                CONNECTION_EFFECT_DESTROY_CREDENTIAL,                                              \
            false                                                                                  \
    }
#define REJECTED                                                                                   \
    {                                                                                              \
        LIFE_MOVE, CONNECTION_REQUIRES_REAUTHORIZATION, CONNECTION_REASON_CREDENTIALS_REJECTED,    \
            CONNECTION_EFFECT_FORGET, false                                                        \
    }
#define RECONNECTED                                                                                \
    {                                                                                              \
        LIFE_MOVE, CONNECTION_ACTIVE, CONNECTION_REASON_RECONNECTED,                               \
            CONNECTION_EFFECT_FORGET | CONNECTION_EFFECT_SUPERSEDE_TOKENS, true                    \
    }

static const struct life_rule rules[STATES][CONNECTION_EVENT_COUNT] = {
    [CONNECTION_PENDING] =
        {
            [CONNECTION_EVENT_VERIFIED] = {LIFE_MOVE, CONNECTION_ACTIVE,
                                           CONNECTION_REASON_CONNECTED, 0, true},
            [CONNECTION_EVENT_DISCONNECTED] = ENDS,
        },
    [CONNECTION_ACTIVE] =
        {
            [CONNECTION_EVENT_ANSWERED] = STAY,
            [CONNECTION_EVENT_UNREACHABLE] = {LIFE_MOVE, CONNECTION_UNREACHABLE,
                                              CONNECTION_REASON_SOURCE_UNREACHABLE, 0, false},
            [CONNECTION_EVENT_REJECTED] = REJECTED,
            [CONNECTION_EVENT_RECONNECTED] = RECONNECTED,
            [CONNECTION_EVENT_DISCONNECTED] = ENDS,
        },
    [CONNECTION_UNREACHABLE] =
        {
            [CONNECTION_EVENT_ANSWERED] = {LIFE_MOVE, CONNECTION_ACTIVE,
                                           CONNECTION_REASON_SOURCE_REACHABLE, 0, false},
            [CONNECTION_EVENT_UNREACHABLE] = STAY,
            [CONNECTION_EVENT_REJECTED] = REJECTED,
            [CONNECTION_EVENT_RECONNECTED] = RECONNECTED,
            [CONNECTION_EVENT_DISCONNECTED] = ENDS,
        },
    [CONNECTION_REQUIRES_REAUTHORIZATION] =
        {
            // calls that were under way when the state changed: the rejection stands until the
            // customer reconnects
            [CONNECTION_EVENT_ANSWERED] = STAY,
            [CONNECTION_EVENT_UNREACHABLE] = STAY,
            [CONNECTION_EVENT_REJECTED] = STAY,
            [CONNECTION_EVENT_RECONNECTED] = RECONNECTED,
            [CONNECTION_EVENT_DISCONNECTED] = ENDS,
        },
    [CONNECTION_DISCONNECTED] =
        {
            [CONNECTION_EVENT_ANSWERED] = STAY,
            [CONNECTION_EVENT_UNREACHABLE] = STAY,
            [CONNECTION_EVENT_REJECTED] = STAY,
            [CONNECTION_EVENT_ERASED] = {LIFE_MOVE, CONNECTION_ERASED, CONNECTION_REASON_ERASED,
                                         CONNECTION_EFFECT_FORGET | CONNECTION_EFFECT_DESTROY_KEY,
                                         false},
        },
    [CONNECTION_ERASED] =
        {
            [CONNECTION_EVENT_ANSWERED] = STAY,
            [CONNECTION_EVENT_UNREACHABLE] = STAY,
            [CONNECTION_EVENT_REJECTED] = STAY,
        },
};

// News about a credential that has been replaced meanwhile says nothing about the present one.
static bool life_stale(const struct connection_life *life, const struct connection_event *event)
{
    return (event->kind == CONNECTION_EVENT_ANSWERED || event->kind == CONNECTION_EVENT_REJECTED) &&
           event->credential_version != life->credential_version;
}

enum fp_error connection_advance(const struct connection_life *life,
                                 const struct connection_event *event, struct connection_step *out)
{
    const struct life_rule *rule = NULL;
    struct connection_step step = {.life = *life};
    if (!connection_state_known(life->state) || (unsigned)event->kind >= CONNECTION_EVENT_COUNT) {
        fp_bug("a state or event outside of the table");
    }
    rule = &rules[life->state][event->kind];
    if (rule->verdict == LIFE_ILLEGAL) {
        return FP_E_STATE_CONFLICT;
    }
    if (rule->verdict == LIFE_MOVE && !life_stale(life, event)) {
        step.changed = true;
        step.effects = rule->effects;
        step.life.state = rule->next;
        step.life.reason = rule->reason != 0 ? rule->reason : event->reason;
        step.life.since_ms = event->at_ms;
        step.life.credential_version += rule->next_version ? 1 : 0;
    }
    *out = step;
    return FP_OK;
}

bool connection_event_of_outcome(enum fp_error outcome, enum connection_event_kind *out)
{
    switch (outcome) {
    case FP_OK:
    case FP_E_RECORD_NOT_FOUND:
    case FP_E_SOURCE_PERMISSION_MISSING:
    case FP_E_SOURCE_REJECTED:
    case FP_E_RECORD_LOCKED:
    case FP_E_CONFLICT:
        // the source knew the account, whatever it said about the record
        *out = CONNECTION_EVENT_ANSWERED;
        return true;
    case FP_E_SOURCE_UNREACHABLE:
        *out = CONNECTION_EVENT_UNREACHABLE;
        return true;
    case FP_E_CREDENTIALS_REJECTED:
        *out = CONNECTION_EVENT_REJECTED;
        return true;
    default:
        return false;
    }
}

enum fp_error connection_usable(enum connection_state state)
{
    switch (state) {
    case CONNECTION_ACTIVE:
    case CONNECTION_UNREACHABLE:
        return FP_OK;
    case CONNECTION_PENDING:
    case CONNECTION_REQUIRES_REAUTHORIZATION:
        return FP_E_REAUTHORIZATION_REQUIRED;
    case CONNECTION_DISCONNECTED:
    case CONNECTION_ERASED:
        break;
    }
    return FP_E_CONNECTION_DISCONNECTED;
}

static const char *const state_names[STATES] = {
    [CONNECTION_PENDING] = "pending",
    [CONNECTION_ACTIVE] = "active",
    [CONNECTION_UNREACHABLE] = "unreachable",
    [CONNECTION_REQUIRES_REAUTHORIZATION] = "requires_reauthorization",
    [CONNECTION_DISCONNECTED] = "disconnected",
    [CONNECTION_ERASED] = "erased",
};

static const char *const reason_names[CONNECTION_REASON_ERASED + 1] = {
    [CONNECTION_REASON_CREATED] = "CREATED",
    [CONNECTION_REASON_CONNECTED] = "CONNECTED",
    [CONNECTION_REASON_RECONNECTED] = "RECONNECTED",
    [CONNECTION_REASON_SOURCE_REACHABLE] = "SOURCE_REACHABLE",
    [CONNECTION_REASON_SOURCE_UNREACHABLE] = "SOURCE_UNREACHABLE",
    [CONNECTION_REASON_CREDENTIALS_REJECTED] = "CREDENTIALS_REJECTED",
    [CONNECTION_REASON_DISCONNECTED_BY_APPLICATION] = "DISCONNECTED_BY_APPLICATION",
    [CONNECTION_REASON_DISCONNECTED_BY_CONNECTION] = "DISCONNECTED_BY_CONNECTION",
    [CONNECTION_REASON_DISCONNECTED_BY_OPERATOR] = "DISCONNECTED_BY_OPERATOR",
    [CONNECTION_REASON_ERASED] = "ERASED",
};

bool connection_state_known(unsigned number)
{
    return number < STATES && state_names[number] != NULL;
}

bool connection_reason_known(unsigned number)
{
    return number <= CONNECTION_REASON_ERASED && reason_names[number] != NULL;
}

const char *connection_state_name(enum connection_state state)
{
    return connection_state_known(state) ? state_names[state] : "?";
}

const char *connection_reason_name(enum connection_reason reason)
{
    return connection_reason_known(reason) ? reason_names[reason] : "?";
}
