// The table of events.
// SPDX-License-Identifier: Apache-2.0
#include "webhook/event.h"

static const char *const event_names[WEBHOOK_EVENT_COUNT] = {
    [WEBHOOK_AUTHENTICATION_REQUIRED] = "connection.authentication_required",
    [WEBHOOK_RECONNECTED] = "connection.reconnected",
    [WEBHOOK_UNREACHABLE] = "connection.unreachable",
    [WEBHOOK_REACHABLE] = "connection.reachable",
    [WEBHOOK_DISCONNECTED] = "connection.disconnected",
    [WEBHOOK_TOKEN_ROTATED] = "token.rotated",
    [WEBHOOK_TOKEN_REVOKED] = "token.revoked",
    [WEBHOOK_TEST] = "webhook.test",
};

bool webhook_event_known(unsigned event)
{
    return event < WEBHOOK_EVENT_COUNT;
}

const char *webhook_event_name(unsigned event)
{
    return webhook_event_known(event) ? event_names[event] : "?";
}

// The bit of a name; 0: it is none that can be chosen.
static uint32_t event_bit(struct bytes name)
{
    for (unsigned i = 0; i < WEBHOOK_TEST; i++) {
        if (bytes_equal_text(name, event_names[i])) {
            return 1u << i;
        }
    }
    return 0;
}

enum fp_error webhook_events_parse(struct bytes list, uint32_t *out)
{
    uint32_t found = 0;
    size_t at = 0;
    while (at < list.len) {
        size_t end = at;
        while (end < list.len && list.ptr[end] != ' ' && list.ptr[end] != ',') {
            end++;
        }
        if (end > at) {
            uint32_t bit = event_bit(bytes_slice(list, at, end - at));
            if (bit == 0) {
                return FP_E_FIELD_INVALID;
            }
            found |= bit;
        }
        at = end + 1;
    }
    *out = found != 0 ? found : WEBHOOK_ALL_EVENTS;
    return FP_OK;
}

void webhook_events_write(struct json_out *json, uint32_t events)
{
    json_begin_array(json);
    for (unsigned i = 0; i < WEBHOOK_TEST; i++) {
        if ((events & 1u << i) != 0) {
            json_text_c(json, event_names[i]);
        }
    }
    json_end_array(json);
}
