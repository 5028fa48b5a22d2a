// How tests talk to the egress room and read what it says: frames in both directions, answers of
// the played source. SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_EGRESS_TALK_H
#define FP_TEST_EGRESS_TALK_H

#include "egress_world.h"

// Answers a request that is under way.
static inline void world_answer(size_t index, enum fp_error error, unsigned status)
{
    struct send *send = &world.sends[index];
    struct client_answer answer = {
        .error = error, .status = status, .attempts = 1, .sent = true, .address = "192.0.2.1:443"};
    assert_true(index < world.send_count && send->open);
    if (error != FP_OK) {
        fp_note_set(&answer.note, "url", "played failure");
    }
    send->open = false;
    send->begin.done(send->begin.ctx, &answer);
}

static inline size_t world_open(void)
{
    size_t count = 0;
    for (size_t i = 0; i < world.send_count; i++) {
        count += world.sends[i].open ? 1 : 0;
    }
    return count;
}

static inline size_t world_logins(void)
{
    size_t count = 0;
    for (size_t i = 0; i < world.send_count; i++) {
        count += world.sends[i].login ? 1 : 0;
    }
    return count;
}

static inline void take_text(struct bytes text, char *out, size_t size)
{
    snprintf(out, size, "%.*s", BYTES_ARG(text));
}

static inline void take_gateway(unsigned number, struct bytes body)
{
    if (number == LINK_RESPONSE) {
        struct link_response in;
        assert_int_equal(link_get_response(body, &in), FP_OK);
        struct answer *answer = &world.answers[in.call];
        answer->head = in;
        answer->heads++;
        answer->last = in.last != 0;
        take_text(in.detail, answer->detail, sizeof answer->detail);
        take_text(in.errors, answer->errors, sizeof answer->errors);
        buf_init(&answer->body, 8u << 20);
        buf_append_bytes(&answer->body, in.body);
    } else {
        struct link_body in;
        assert_int_equal(number, LINK_BODY);
        assert_int_equal(link_get_body(body, &in), FP_OK);
        assert_false(world.answers[in.call].last);
        world.answers[in.call].last = in.last != 0;
        buf_append_bytes(&world.answers[in.call].body, in.body);
    }
}

static inline void take_vault(unsigned number, struct bytes body)
{
    if (number == LINK_OUTCOME) {
        struct link_outcome in;
        assert_int_equal(link_get_outcome(body, &in), FP_OK);
        world.outcomes[in.call] = in;
        world.outcome_counts[in.call]++;
        take_text(in.detail, world.outcome_detail, sizeof world.outcome_detail);
    } else {
        assert_int_equal(number, LINK_VERIFIED);
        assert_int_equal(link_get_verified(body, &world.verified), FP_OK);
        take_text(world.verified.errors, world.verified_errors, sizeof world.verified_errors);
        take_text(world.verified.account, world.verified_account, sizeof world.verified_account);
        world.verified_count++;
    }
}

static inline void take_frames(struct buf *out, void (*take)(unsigned number, struct bytes body))
{
    struct bytes rest = buf_bytes(out);
    while (rest.len != 0) {
        uint32_t len = 0;
        uint16_t number = 0;
        memcpy(&len, rest.ptr, 4);
        memcpy(&number, rest.ptr + 4, 2);
        take(number, bytes_slice(rest, 8, len - 8));
        rest = bytes_slice(rest, len, rest.len);
    }
    buf_clear(out);
}

// What has left so far is read by the others.
static inline void world_read(void)
{
    take_frames(&world.room.vault, take_vault);
    take_frames(&world.room.gateway, take_gateway);
}

static inline void world_run(unsigned ms)
{
    uint64_t end = uv_hrtime() + (uint64_t)ms * 1000000;
    do {
        uv_run(&world.room.loop, UV_RUN_NOWAIT);
    } while (uv_hrtime() < end);
    world_read();
}

// Polls: a loaded machine may be slow, but not for ever.
static inline void world_run_until_answered(uint64_t call)
{
    uint64_t end = uv_hrtime() + 30000000000u;
    while (world.answers[call].heads == 0) {
        assert_true(uv_hrtime() < end);
        uv_run(&world.room.loop, UV_RUN_NOWAIT);
        world_read();
    }
}

static inline void give(enum link_room from, unsigned number, struct buf *frame)
{
    struct link_frame in = {(enum link_number)number, bytes_slice(buf_bytes(frame), 8, frame->len)};
    assert_int_equal(buf_error(frame), FP_OK);
    uv_update_time(&world.room.loop);
    egress_room()->frame(world.state, from, &in);
    buf_done(frame);
    world_read();
}

static inline uint16_t operation_of(const char *id)
{
    for (unsigned i = 0; i < MODEL_OPERATION_COUNT; i++) {
        if (strcmp(model_operations[i].id, id) == 0) {
            return (uint16_t)i;
        }
    }
    fail_msg("no operation %s", id);
    return 0;
}

static inline struct link_execute execute_of(uint64_t call, const char *connection)
{
    return (struct link_execute){.call = call,
                                 .request_id = BYTES("req_1"),
                                 .application = BYTES("app_1"),
                                 .connection = bytes_of_text(connection),
                                 .platform = BYTES("played"),
                                 .credential_version = 1,
                                 .operation = operation_of("erp.vendors.list"),
                                 .networks = BYTES("127.0.0.0/8"),
                                 .deadline_ms = 30000,
                                 .credentials = BYTES("{\"password\":\"hidden\"}")};
}

static inline void give_execute(const struct link_execute *in)
{
    struct buf frame;
    buf_init(&frame, 4u << 20);
    assert_int_equal(link_put_execute(&frame, in), FP_OK);
    give(LINK_ROOM_VAULT, LINK_EXECUTE, &frame);
}

static inline void execute(uint64_t call, const char *connection)
{
    struct link_execute in = execute_of(call, connection);
    give_execute(&in);
}

#define GIVE(from, upper, lower, ...)                                                              \
    do {                                                                                           \
        struct buf frame_;                                                                         \
        struct link_##lower in_ = {__VA_ARGS__};                                                   \
        buf_init(&frame_, 1u << 20);                                                               \
        assert_int_equal(link_put_##lower(&frame_, &in_), FP_OK);                                  \
        give(from, LINK_##upper, &frame_);                                                         \
    } while (0)

static inline void give_stop(uint64_t call)
{
    GIVE(LINK_ROOM_VAULT, STOP, stop, call);
}

static inline void give_noted(uint64_t call)
{
    GIVE(LINK_ROOM_VAULT, NOTED, noted, call);
}

static inline void give_forget(const char *connection)
{
    GIVE(LINK_ROOM_VAULT, FORGET, forget, bytes_of_text(connection));
}

static inline void give_credit(uint64_t call, uint32_t amount)
{
    GIVE(LINK_ROOM_GATEWAY, CREDIT, credit, call, amount);
}

static inline void give_abandon(uint64_t call)
{
    GIVE(LINK_ROOM_GATEWAY, ABANDON, abandon, call);
}

static inline int world_begin(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    uv_loop_init(&world.room.loop);
    buf_init(&world.room.gateway, 64u << 20);
    buf_init(&world.room.vault, 64u << 20);
    world.gateway_up = true;
    world.vault_up = true;
    world.data_requests = 1;
    world.body_size = 100;
    world.needs_login = true;
    retry_after = NULL;
    (void)bytes_to_text(BYTES("https://fishplate.test/"), world.room.config.public_url,
                        sizeof world.room.config.public_url);
    world.room.config.source_timeout_ms = 45000;
    world.room.config.source_connect_timeout_ms = 10000;
    world.room.config.source_answer_limit = 1u << 25;
    assert_int_equal(egress_room()->open(&world.room, &world.state), FP_OK);
    assert_int_equal(egress_room()->start(world.state), FP_OK);
    return 0;
}

static inline int world_end(void **state)
{
    (void)state;
    egress_room()->close(world.state);
    for (int i = 0; i < 64 && uv_loop_alive(&world.room.loop) != 0; i++) {
        uv_run(&world.room.loop, UV_RUN_NOWAIT);
    }
    world_read();
    for (size_t i = 0; i < ANSWERS; i++) {
        buf_done(&world.answers[i].body);
    }
    buf_done(&world.room.gateway);
    buf_done(&world.room.vault);
    return uv_loop_close(&world.room.loop);
}

#define EGRESS_TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

#endif
