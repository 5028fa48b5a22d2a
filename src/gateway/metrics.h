// Counters of the gateway and their text form for Prometheus.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_GATEWAY_METRICS_H
#define FP_GATEWAY_METRICS_H

#include "base/buf.h"
#include "base/error.h"

struct metrics;

struct metrics *metrics_create(void);       // NULL when out of memory
void metrics_free(struct metrics *metrics); // takes NULL
// A request is over. operation: index of the model; anything beyond it counts as "none".
void metrics_count(struct metrics *metrics, unsigned operation, enum fp_error error,
                   uint64_t duration_ns);
// Requests and durations, in the text format 0.0.4.
void metrics_write(const struct metrics *metrics, struct buf *out);
// One line with its HELP and TYPE; labels may be "" or as {name="value"}.
void metrics_write_number(struct buf *out, const char *name, const char *type, const char *help,
                          uint64_t value);

#endif
