// The egress room with everything around it played: the room's runtime, the driver, the client, the
// definitions. The linker takes these instead of the real ones. A played source needs a log-in
// (request 1), then takes world.data_requests requests at once.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_EGRESS_WORLD_H
#define FP_TEST_EGRESS_WORLD_H

#include "base/json_out.h"
#include "base/mem.h"
#include "egress/egress.h"
#include "egress/egress_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SENDS   2048
#define ANSWERS 256

struct room {
    uv_loop_t loop;       // real
    struct config config; // as loaded
    struct buf gateway;   // frames to it
    struct buf vault;     // frames to it
};

struct send {
    struct client_begin begin;     // copied
    struct client_request request; // copied
    char connection[64];           // of the policy
    bool open;                     // neither answered nor cancelled
    bool cancelled;                // by client_cancel()
    bool login;                    // the played driver's log-in
};

struct answer {
    struct link_response head; // views are dead
    char detail[300];          // of head
    char errors[300];          // of head
    struct buf body;           // all pieces
    unsigned heads;            // times a head came
    bool last;                 // the end came
};

static struct {
    struct room room;                      // the played runtime
    void *state;                           // the egress room's
    bool gateway_up, vault_up;             // links
    bool finished;                         // room_finished() was called
    struct send sends[SENDS];              // what went out
    size_t send_count;                     // of sends
    enum fp_error send_error;              // client_send() fails with it; FP_OK: works
    unsigned forgotten;                    // client_forget() calls
    struct answer answers[ANSWERS];        // by number of the call
    struct link_outcome outcomes[ANSWERS]; // by number of the call; views are dead
    unsigned outcome_counts[ANSWERS];      // by number of the call
    char outcome_detail[1100];             // of the last one
    struct link_verified verified;         // last one; views are dead
    char verified_errors[300];             // of the last one
    char verified_account[300];            // of the last one
    unsigned verified_count;               // how many
    bool outcome_before_response;          // order of the last two frames that left
    bool needs_login;                      // the platform has sessions
    unsigned data_requests;                // of a run, at once
    bool endless;                          // each answered request asks for one more
    bool unsafe;                           // requests may not be repeated
    size_t body_size;                      // of the JSON for the client
} world;

// ---------------------------------------------------------------- the room's runtime
uv_loop_t *room_loop(struct room *room)
{
    return &room->loop;
}

const struct config *room_config(const struct room *room)
{
    return &room->config;
}

struct buf *room_out(struct room *room, enum link_room peer)
{
    if (peer == LINK_ROOM_GATEWAY) {
        return world.gateway_up ? &room->gateway : NULL;
    }
    return world.vault_up ? &room->vault : NULL;
}

void room_finished(struct room *room)
{
    (void)room;
    world.finished = true;
}

_Noreturn void room_fail(struct room *room, const char *event, enum fp_error error)
{
    (void)room;
    print_error("%s: %s\n", event, fp_error_code(error));
    abort();
}

// ---------------------------------------------------------------- definitions
static struct mapping played = {.platform = "played"};

enum fp_error mapping_set_load(const char *directory, struct mapping_set **out,
                               struct fp_note *note)
{
    (void)directory;
    (void)note;
    *out = NULL;
    return FP_OK;
}

void mapping_set_free(struct mapping_set *set)
{
    (void)set;
}

const struct mapping *mapping_set_find(const struct mapping_set *set, struct bytes platform)
{
    (void)set;
    return bytes_equal_text(platform, "played") ? &played : NULL;
}

const struct mapping *mapping_set_at(const struct mapping_set *set, size_t index)
{
    (void)set;
    return index < 3 ? &played : NULL;
}

void mapping_describe(struct json_out *j, const struct mapping *mapping)
{
    json_begin_object(j);
    json_member_text_c(j, "key", mapping->platform);
    json_end_object(j);
}

// ---------------------------------------------------------------- driver
struct driver_run {
    struct driver_call call;     // as given
    bool waiting;                // for a session
    bool login;                  // the log-in is not answered yet
    bool fresh;                  // the next refusal counts
    unsigned to_give;            // data requests
    unsigned given;              // so far, log-in included
    unsigned unanswered;         // data requests
    bool done;                   // see result
    struct driver_result result; // when done
    char session[32];            // in use; "" for none
    char *body;                  // owned
};

enum fp_error driver_check_credentials(const struct mapping *mapping, struct bytes credentials,
                                       struct json_out *errors)
{
    (void)mapping;
    if (bytes_equal_text(credentials, "{\"good\":1}")) {
        return FP_OK;
    }
    model_error_row(errors, BYTES("good"), "FIELD_INVALID", "It is missing.");
    return FP_E_FIELD_INVALID;
}

static void played_data(struct driver_run *run)
{
    run->to_give = world.data_requests;
    run->unanswered = world.data_requests;
}

static void played_end(struct driver_run *run, enum fp_error error)
{
    run->done = true;
    run->result.error = error;
    if (error == FP_OK) {
        run->body = mem_alloc(world.body_size + 1, 1);
        for (size_t i = 0; i < world.body_size; i++) {
            run->body[i] = (char)('a' + (i % 26));
        }
        run->result.body = bytes_of(run->body, world.body_size);
        run->result.account = BYTES("somebody");
    } else {
        run->result.detail = BYTES("{\"reason\":\"played\"}");
    }
}

enum fp_error driver_start(const struct driver_call *call, struct driver_run **out)
{
    struct driver_run *run = mem_alloc(1, sizeof *run);
    if (run == NULL) {
        return FP_E_NO_MEMORY;
    }
    run->call = *call;
    if (world.needs_login) {
        run->waiting = true;
    } else {
        played_data(run);
    }
    *out = run;
    return FP_OK;
}

bool driver_next(struct driver_run *run, unsigned *number_out, struct client_request *out)
{
    if (run->done || run->waiting || run->to_give == 0) {
        return false;
    }
    run->to_give--;
    *number_out = ++run->given;
    *out = (struct client_request){.method = BYTES("POST"),
                                   .url = run->login ? BYTES("https://played/login")
                                                     : BYTES("https://played/data"),
                                   .safe_to_repeat = !world.unsafe};
    return true;
}

bool driver_needs_session(const struct driver_run *run)
{
    return run->waiting && !run->done;
}

void driver_log_in(struct driver_run *run)
{
    assert_true(run->waiting);
    run->waiting = false;
    run->login = true;
    run->to_give = 1;
}

void driver_use_session(struct driver_run *run, struct bytes session)
{
    assert_true(run->waiting);
    run->waiting = false;
    assert_true(bytes_to_text(session, run->session, sizeof run->session));
    played_data(run);
}

struct bytes driver_session(const struct driver_run *run)
{
    return bytes_of_text(run->session);
}

static void played_login_answer(struct driver_run *run, const struct client_answer *answer)
{
    static unsigned sessions;
    run->login = false;
    if (answer->error != FP_OK || answer->status != 200) {
        played_end(run, answer->error != FP_OK  ? answer->error
                        : answer->status == 401 ? FP_E_CREDENTIALS_REJECTED
                                                : FP_E_SOURCE_FAILED);
        return;
    }
    snprintf(run->session, sizeof run->session, "session-%u", ++sessions);
    run->fresh = true;
    played_data(run);
}

void driver_feed(struct driver_run *run, unsigned number, struct client_answer *answer)
{
    (void)number;
    if (run->done) {
        return;
    }
    if (run->login) {
        played_login_answer(run, answer);
    } else if (answer->error != FP_OK) {
        played_end(run, answer->error);
    } else if (answer->status == 401 && world.needs_login && !run->fresh) {
        run->fresh = true;
        run->waiting = true;
        run->session[0] = '\0';
    } else if (answer->status != 200) {
        run->result.source_status = answer->status;
        played_end(run, answer->status == 401 ? FP_E_CREDENTIALS_REJECTED : FP_E_SOURCE_FAILED);
    } else if (world.endless) {
        run->to_give++;
    } else if (--run->unanswered == 0) {
        played_end(run, FP_OK);
    }
}

bool driver_give_up_write(struct driver_run *run, const char *reason)
{
    (void)run;
    (void)reason;
    return false; // the runs of these tests only read
}

bool driver_is_done(const struct driver_run *run)
{
    return run->done;
}

const struct driver_result *driver_result(const struct driver_run *run)
{
    assert_true(run->done);
    return &run->result;
}

void driver_free(struct driver_run *run)
{
    if (run != NULL) {
        mem_free(run->body);
        mem_free(run);
    }
}

// ---------------------------------------------------------------- client
enum fp_error client_create(uv_loop_t *loop, const struct client_settings *settings,
                            struct client **out, struct fp_note *note)
{
    (void)loop;
    (void)settings;
    (void)note;
    *out = NULL;
    return FP_OK;
}

void client_free(struct client *client)
{
    (void)client;
}

enum fp_error client_send(struct client *client, const struct client_begin *begin,
                          struct client_call **out, struct fp_note *note)
{
    (void)client;
    if (world.send_error != FP_OK) {
        fp_note_set(note, "url", "played");
        return world.send_error;
    }
    assert_true(world.send_count < SENDS);
    struct send *send = &world.sends[world.send_count++];
    *send = (struct send){.begin = *begin, .request = *begin->request, .open = true};
    send->login = bytes_ends_with(begin->request->url, BYTES("/login"));
    assert_true(bytes_to_text(begin->policy->connection, send->connection, 64));
    *out = (struct client_call *)(void *)send;
    return FP_OK;
}

void client_cancel(struct client_call *call)
{
    struct send *send = (struct send *)(void *)call;
    if (send != NULL) {
        assert_true(send->open);
        send->open = false;
        send->cancelled = true;
    }
}

void client_forget(struct client *client, struct bytes connection)
{
    (void)client;
    (void)connection;
    world.forgotten++;
}

static const char *retry_after; // header of the next answer; NULL: none

bool client_answer_header(const struct client_answer *answer, const char *name,
                          struct bytes *value_out)
{
    (void)answer;
    *value_out = bytes_of_text(retry_after);
    return retry_after != NULL && strcmp(name, "retry-after") == 0;
}

#endif
