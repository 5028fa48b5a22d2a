// Counters, one for each operation and outcome, and a histogram of durations.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/metrics.h"

#include "base/mem.h"
#include "model/model.h"

#define METRICS_BUCKETS 15

struct metrics_bucket {
    uint64_t limit_ns; // upper bound
    const char *bound; // in seconds, for the label
};

static const struct metrics_bucket metrics_buckets[METRICS_BUCKETS] = {
    {500000, "0.0005"},  {1000000, "0.001"},  {2500000, "0.0025"}, {5000000, "0.005"},
    {10000000, "0.01"},  {25000000, "0.025"}, {50000000, "0.05"},  {100000000, "0.1"},
    {250000000, "0.25"}, {500000000, "0.5"},  {1000000000, "1"},   {2500000000, "2.5"},
    {5000000000, "5"},   {15000000000, "15"}, {60000000000, "60"},
};

struct metrics {
    uint64_t requests[MODEL_OPERATION_COUNT + 1][FP_ERROR_COUNT]; // last row: no operation
    uint64_t durations[METRICS_BUCKETS + 1];                      // last one: beyond all bounds
    uint64_t duration_ns;                                         // sum
    uint64_t count;                                               // of all
};

struct metrics *metrics_create(void)
{
    return mem_alloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *metrics)
{
    mem_free(metrics);
}

void metrics_count(struct metrics *metrics, unsigned operation, enum fp_error error,
                   uint64_t duration_ns)
{
    size_t bucket = 0;
    while (bucket < METRICS_BUCKETS && duration_ns > metrics_buckets[bucket].limit_ns) {
        bucket++;
    }
    metrics->durations[bucket]++;
    metrics->duration_ns += duration_ns;
    metrics->count++;
    if (operation > MODEL_OPERATION_COUNT) {
        operation = MODEL_OPERATION_COUNT;
    }
    if (fp_error_known((unsigned long)error)) {
        metrics->requests[operation][error]++;
    }
}

static void metrics_help(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_write_number(struct buf *out, const char *name, const char *type, const char *help,
                          uint64_t value)
{
    metrics_help(out, name, type, help);
    buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void metrics_write_requests(const struct metrics *metrics, struct buf *out)
{
    static const char name[] = "fishplate_requests_total";
    metrics_help(out, name, "counter", "Requests answered, by operation, status and error code.");
    for (unsigned i = 0; i <= MODEL_OPERATION_COUNT; i++) {
        const struct model_operation *operation = model_operation_at(i);
        for (unsigned e = 0; e < FP_ERROR_COUNT; e++) {
            const struct fp_error_row *row = fp_error_row((enum fp_error)e);
            if (metrics->requests[i][e] != 0) {
                buf_printf(out, "%s{operation=\"%s\",status=\"%u\",code=\"%s\"} %llu\n", name,
                           operation != NULL ? operation->id : "none", row->status, row->code,
                           (unsigned long long)metrics->requests[i][e]);
            }
        }
    }
}

void metrics_write(const struct metrics *metrics, struct buf *out)
{
    static const char name[] = "fishplate_request_duration_seconds";
    uint64_t below = 0;
    metrics_write_requests(metrics, out);
    metrics_help(out, name, "histogram", "From the whole request to the end of its answer.");
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        below += metrics->durations[i];
        buf_printf(out, "%s_bucket{le=\"%s\"} %llu\n", name, metrics_buckets[i].bound,
                   (unsigned long long)below);
    }
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)metrics->count);
    buf_printf(out, "%s_sum %llu.%09llu\n", name,
               (unsigned long long)(metrics->duration_ns / 1000000000u),
               (unsigned long long)(metrics->duration_ns % 1000000000u));
    buf_printf(out, "%s_count %llu\n", name, (unsigned long long)metrics->count);
}
