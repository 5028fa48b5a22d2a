// One connection to PostgreSQL in pipeline mode: nothing on it waits longer than its deadline. A
// link that is late, or that the server closed, is closed here too: who uses it gets another later.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "store/postgres_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define OLDEST_SERVER 130000 // PQserverVersion() of the oldest that is tried

uint64_t postgres__deadline(unsigned ms)
{
    return clock_monotonic_ns() + (uint64_t)ms * 1000000u;
}

void postgres__lose(struct postgres_link *link)
{
    char state[sizeof link->state], message[sizeof link->message];
    memcpy(state, link->state, sizeof state);
    memcpy(message, link->message, sizeof message);
    PQfinish(link->conn);
    memset(link, 0, sizeof *link);
    memcpy(link->state, state, sizeof state);
    memcpy(link->message, message, sizeof message);
}

static void link_say(struct postgres_link *link, const char *text)
{
    size_t len = strcspn(text, "\n");
    len = len < sizeof link->message ? len : sizeof link->message - 1;
    memcpy(link->message, text, len);
    link->message[len] = '\0';
}

// Waits until the socket is ready; false at the deadline.
static bool link_poll(PGconn *conn, short events, uint64_t deadline_ns)
{
    struct pollfd fd = {PQsocket(conn), events, 0};
    int ready = 0;
    if (fd.fd < 0) {
        return false;
    }
    do {
        const uint64_t now = clock_monotonic_ns();
        if (now >= deadline_ns) {
            return false;
        }
        ready = poll(&fd, 1, (int)((deadline_ns - now) / 1000000u) + 1);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

// Until the next result needs no waiting; what is still to be sent goes out meanwhile.
static bool link_wait(struct postgres_link *link, uint64_t deadline_ns)
{
    int unsent = PQflush(link->conn);
    while (unsent >= 0 && (unsent > 0 || PQisBusy(link->conn) != 0)) {
        if (!link_poll(link->conn, unsent > 0 ? POLLIN | POLLOUT : POLLIN, deadline_ns) ||
            PQconsumeInput(link->conn) == 0) {
            return false;
        }
        unsent = PQflush(link->conn);
    }
    return unsent == 0;
}

static enum fp_error link_lost(struct postgres_link *link)
{
    if (link->conn != NULL) {
        const char *text = PQerrorMessage(link->conn);
        link_say(link, text[0] != '\0' ? text : "the database does not answer");
    }
    postgres__lose(link);
    return FP_E_STORE_UNAVAILABLE;
}

static enum fp_error link_failure(struct postgres_link *link, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    (void)snprintf(link->state, sizeof link->state, "%s", state != NULL ? state : "08000");
    link_say(link, text != NULL ? text : "the connection was closed");
    return postgres__error(link->state);
}

static enum fp_error link_start(const struct postgres_params *params, struct postgres_link *link)
{
    const uint64_t deadline_ns = postgres__deadline(FP_LIMIT_STORE_CONNECT);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    link->conn = PQconnectStartParams(params->keywords, params->values, 0);
    if (link->conn == NULL) {
        return FP_E_NO_MEMORY;
    }
    if (PQstatus(link->conn) == CONNECTION_BAD) {
        return link_lost(link);
    }
    while (status == PGRES_POLLING_WRITING || status == PGRES_POLLING_READING) {
        if (!link_poll(link->conn, status == PGRES_POLLING_WRITING ? POLLOUT : POLLIN,
                       deadline_ns)) {
            return link_lost(link);
        }
        status = PQconnectPoll(link->conn);
    }
    return status == PGRES_POLLING_OK && PQsetnonblocking(link->conn, 1) == 0 ? FP_OK
                                                                              : link_lost(link);
}

// The password was wrong, or the user may not use the database: not a matter of waiting.
static bool link_refused(const struct postgres_link *link)
{
    return strstr(link->message, "password authentication failed") != NULL ||
           strstr(link->message, "permission denied") != NULL;
}

// A notice is the server's talk to people: nobody is here.
static void link_notice(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result;
}

static enum fp_error link_session(struct postgres_link *link, struct fp_note *note)
{
    char sql[512];
    const char *encoding = PQparameterStatus(link->conn, "server_encoding");
    (void)PQsetNoticeReceiver(link->conn, link_notice, NULL);
    if (PQserverVersion(link->conn) < OLDEST_SERVER) {
        fp_note_set(note, "store.url", "PostgreSQL 13 or newer is needed; this is %d",
                    PQserverVersion(link->conn) / 10000);
        return FP_E_STORE_INVALID;
    }
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
        fp_note_set(note, "store.url", "the database's encoding must be UTF8; it is %s",
                    encoding != NULL ? encoding : "unknown");
        return FP_E_STORE_INVALID;
    }
    (void)snprintf(sql, sizeof sql,
                   "SET synchronous_commit=on;SET default_transaction_isolation='read committed';"
                   "SET statement_timeout=%d;SET lock_timeout=%d;"
                   "SET idle_in_transaction_session_timeout=%d;SET timezone='UTC'",
                   FP_LIMIT_STORE_STATEMENT, FP_LIMIT_STORE_BUSY, FP_LIMIT_STORE_STATEMENT);
    return postgres__exec(link, sql, NULL);
}

enum fp_error postgres__connect(const struct postgres_params *params, struct postgres_link *link,
                                struct fp_note *note)
{
    enum fp_error error = FP_OK;
    memset(link, 0, sizeof *link);
    error = link_start(params, link);
    if (error == FP_E_STORE_UNAVAILABLE && link_refused(link)) {
        error = FP_E_PERMISSION_DENIED;
    }
    if (error == FP_OK) {
        error = link_session(link, note);
    }
    if (error != FP_OK) {
        if (note != NULL && note->text[0] == '\0') {
            fp_note_set(note, "store.url", "%s", link->message);
        }
        postgres__lose(link);
    }
    return error;
}

enum fp_error postgres__exec(struct postgres_link *link, const char *sql, PGresult **out)
{
    const uint64_t deadline_ns = postgres__deadline(FP_LIMIT_STORE_STATEMENT);
    enum fp_error error = FP_OK;
    PGresult *result = NULL, *last = NULL;
    if (PQsendQuery(link->conn, sql) == 0) {
        return link_lost(link);
    }
    for (;;) {
        if (!link_wait(link, deadline_ns)) {
            PQclear(last);
            return link_lost(link);
        }
        result = PQgetResult(link->conn);
        if (result == NULL) {
            break;
        }
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && error == FP_OK) {
            error = link_failure(link, result);
        }
        PQclear(last);
        last = result;
    }
    if (error == FP_OK && out != NULL) {
        *out = last;
        last = NULL; // moved
    }
    PQclear(last);
    return error;
}

enum fp_error postgres__pipeline(struct postgres_link *link)
{
    return PQenterPipelineMode(link->conn) == 1 ? FP_OK : link_lost(link);
}

enum fp_error postgres__send(struct postgres_link *link, const char *sql,
                             const struct postgres_values *values, unsigned *count_io)
{
    int sent = 0;
    if (link->conn == NULL) {
        return FP_E_STORE_UNAVAILABLE;
    }
    sent = values != NULL ? PQsendQueryParams(link->conn, sql, (int)values->count, values->types,
                                              values->values, values->lengths, values->formats, 1)
                          : PQsendQueryParams(link->conn, sql, 0, NULL, NULL, NULL, NULL, 1);
    *count_io += 1;
    return sent == 1 ? FP_OK : link_lost(link);
}

enum fp_error postgres__send_prepared(struct postgres_link *link, const char *name, bool *known_io,
                                      const char *sql, const struct postgres_values *values,
                                      unsigned *count_io)
{
    if (link->conn == NULL) {
        return FP_E_STORE_UNAVAILABLE;
    }
    if (!*known_io) {
        if (PQsendPrepare(link->conn, name, sql, (int)values->count, values->types) != 1) {
            return link_lost(link);
        }
        *known_io = true;
        *count_io += 1;
    }
    *count_io += 1;
    return PQsendQueryPrepared(link->conn, name, (int)values->count, values->values,
                               values->lengths, values->formats, 1) == 1
               ? FP_OK
               : link_lost(link);
}

enum fp_error postgres__sync(struct postgres_link *link)
{
    if (link->conn == NULL) {
        return FP_E_STORE_UNAVAILABLE;
    }
    return PQpipelineSync(link->conn) == 1 && PQflush(link->conn) >= 0 ? FP_OK : link_lost(link);
}

// The results of one statement, up to the NULL behind them.
static enum fp_error link_take_one(struct postgres_link *link, uint64_t deadline_ns,
                                   PGresult **last_io, enum fp_error *error_io)
{
    for (;;) {
        PGresult *result = NULL;
        ExecStatusType status = PGRES_EMPTY_QUERY;
        if (!link_wait(link, deadline_ns)) {
            return link_lost(link);
        }
        result = PQgetResult(link->conn);
        if (result == NULL) {
            return FP_OK;
        }
        status = PQresultStatus(result);
        if (*error_io == FP_OK && status == PGRES_FATAL_ERROR) {
            *error_io = link_failure(link, result);
        } else if (*error_io == FP_OK && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            *error_io = FP_E_STORE_UNAVAILABLE;
        }
        PQclear(*last_io);
        *last_io = result;
        if (PQstatus(link->conn) != CONNECTION_OK) {
            return link_lost(link);
        }
    }
}

enum fp_error postgres__take(struct postgres_link *link, unsigned count, uint64_t deadline_ns,
                             PGresult **out)
{
    enum fp_error error = FP_OK, lost = FP_OK;
    PGresult *last = NULL, *sync = NULL;
    if (link->conn == NULL) {
        return FP_E_STORE_UNAVAILABLE;
    }
    for (unsigned i = 0; i < count && lost == FP_OK; i++) {
        lost = link_take_one(link, deadline_ns, &last, &error);
    }
    if (lost == FP_OK) {
        if (link_wait(link, deadline_ns)) {
            sync = PQgetResult(link->conn);
        }
        if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC) {
            lost = link_lost(link);
        }
        PQclear(sync);
    }
    error = lost != FP_OK ? lost : error;
    if (error == FP_OK && out != NULL) {
        *out = last;
        last = NULL; // moved
    }
    PQclear(last);
    return error;
}

enum fp_error postgres__say(struct postgres_link *link, const char *sql, PGresult **out)
{
    unsigned count = 0;
    enum fp_error error = postgres__send(link, sql, NULL, &count);
    if (error == FP_OK) {
        error = postgres__sync(link);
    }
    return error != FP_OK
               ? error
               : postgres__take(
                     link, count,
                     postgres__deadline(FP_LIMIT_STORE_STATEMENT + FP_LIMIT_STORE_CONNECT), out);
}
