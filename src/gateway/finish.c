// The end of a request: counted, and its one line in the log.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "base/clock.h"
#include "base/log.h"

static void log_optional(struct log_line *line, const char *name, const char *value)
{
    if (value[0] != '\0') {
        log_text_c(line, name, value);
    }
}

void gateway__finish(struct gateway *g, const struct gateway_exchange *x)
{
    const struct model_operation *operation = model_operation_at(x->operation);
    uint64_t ns = clock_monotonic_ns() - x->started_ns;
    struct log_line line;
    metrics_count(g->metrics, x->operation, x->error, ns);
    log_begin(&line, x->quiet ? LOG_DEBUG : LOG_INFO, "request");
    log_text_c(&line, "request_id", x->request_id);
    log_text_c(&line, "method", x->method);
    log_text_c(&line, "path", x->path);
    log_optional(&line, "operation", operation != NULL ? operation->id : "");
    log_i64(&line, "status", (int64_t)x->status);
    log_text_c(&line, "code", fp_error_code(x->error));
    log_i64(&line, "bytes", (int64_t)x->bytes);
    log_i64(&line, "ms", (int64_t)(ns / 1000000u));
    if (x->source_calls != 0) {
        log_i64(&line, "source_ms", x->source_ms);
        log_i64(&line, "source_calls", x->source_calls);
    }
    log_optional(&line, "application", x->application);
    log_optional(&line, "connection", x->connection);
    log_optional(&line, "platform", x->platform);
    log_text_c(&line, "address", x->peer);
    log_end(&line);
}
