// The schedule of retries.
// SPDX-License-Identifier: Apache-2.0
#include "webhook/schedule.h"

#include "base/limits.h"

#define SECOND_MS INT64_C(1000)
#define DOUBLINGS 16 // beyond them any delay is longer than the whole time

enum webhook_verdict webhook_judge(enum fp_error error, unsigned status)
{
    if (error == FP_OK && status >= 200 && status <= 299) {
        return WEBHOOK_DELIVERED;
    }
    return error == FP_OK && status == 410 ? WEBHOOK_GONE : WEBHOOK_RETRY;
}

int64_t webhook_next_ms(const struct webhook_tries *tries, int64_t now_ms)
{
    int64_t last_ms = tries->begun_ms + FP_LIMIT_WEBHOOK_GIVE_UP * SECOND_MS;
    int64_t asked_ms = (int64_t)tries->retry_after_s * SECOND_MS;
    uint32_t doublings = tries->made - 1 < DOUBLINGS ? tries->made - 1 : DOUBLINGS;
    int64_t delay_ms = (FP_LIMIT_WEBHOOK_FIRST_RETRY * SECOND_MS) << doublings;
    delay_ms += delay_ms / 10 * (tries->dice % 1000) / 1000;
    if (now_ms >= last_ms) {
        return 0;
    }
    delay_ms = delay_ms > asked_ms ? delay_ms : asked_ms;
    return delay_ms < last_ms - now_ms ? now_ms + delay_ms : last_ms;
}
