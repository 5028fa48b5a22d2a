// When a delivery is tried again, and what its answer means. Standard Webhooks 1.0, "Delivery".
// Pure: the time and the dice are arguments.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_WEBHOOK_SCHEDULE_H
#define FP_WEBHOOK_SCHEDULE_H

#include "base/error.h"

#include <stdint.h>

enum webhook_verdict {
    WEBHOOK_DELIVERED, // 2xx
    WEBHOOK_RETRY,     // anything else
    WEBHOOK_GONE       // 410: the endpoint wants nothing any more
};

// error: whether an answer came at all; status: its HTTP status.
enum webhook_verdict webhook_judge(enum fp_error error, unsigned status);

struct webhook_tries {
    int64_t begun_ms;       // of the schedule, wall clock
    uint32_t made;          // attempts so far, at least 1
    uint32_t retry_after_s; // that the receiver asked for; 0: nothing
    uint32_t dice;          // any number: spreads the attempts of many deliveries
};
// 30 seconds after the first attempt, then twice as long each time, up to a tenth later; never
// sooner than the receiver asked for; the last one 24 hours after begun_ms. 0: that was the last.
int64_t webhook_next_ms(const struct webhook_tries *tries, int64_t now_ms);

#endif
