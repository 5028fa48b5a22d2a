// The vault room with a fake gateway, a fake egress and a fake room around it: the real handlers
// over real socketpairs, with a real store and audit log. Nothing is sandboxed and nothing forks.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_VAULT_FIXTURE_H
#define FP_TEST_VAULT_FIXTURE_H

#include "unit/registry/registry_fixture.h"

#include "model/model.h"
#include "vault/vault.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#define FRAMES 256

struct got {
    enum link_number number; // which message
    uint8_t *body;           // owned
    size_t len;              // of body
};

// One neighbour: the vault's end and ours.
struct fake {
    enum link_room name;       // who we play
    struct link *ours;         // end of the test
    struct link *theirs;       // end of the vault
    struct got frames[FRAMES]; // came in, not looked at yet
    size_t count;              // of frames
};

struct room {
    uv_loop_t loop;          // of the vault
    struct fixture *fixture; // installation, closed while the vault has it open
    void *state;             // of the vault
    struct fake gateway;     // neighbours
    struct fake egress;      // neighbours
    int control_fd;          // listener
    char control_path[108];  // its address
    bool finished;           // room_finished() was called
    jmp_buf *on_fail;        // where room_fail() goes
    enum fp_error failure;   // its error
};

// ---------------------------------------------------------------- what room.c would give the vault

uv_loop_t *room_loop(struct room *room)
{
    return &room->loop;
}

const struct config *room_config(const struct room *room)
{
    return &room->fixture->config;
}

int room_take_fd(struct room *room, enum room_handover kind, const char *name)
{
    if (kind == ROOM_HANDOVER_FILE && strcmp(name, "master.key") == 0) {
        return fixture_master(room->fixture);
    }
    if (kind == ROOM_HANDOVER_LISTENER && strcmp(name, "control") == 0) {
        return room->control_fd;
    }
    return -1;
}

static inline struct fake *room_fake(struct room *room, enum link_room peer)
{
    return peer == LINK_ROOM_GATEWAY ? &room->gateway : &room->egress;
}

struct buf *room_out(struct room *room, enum link_room peer)
{
    struct fake *fake = room_fake(room, peer);
    return fake->theirs != NULL ? link_out(fake->theirs) : NULL;
}

bool room_link_is_up(const struct room *room, enum link_room peer)
{
    return (peer == LINK_ROOM_GATEWAY ? room->gateway.theirs : room->egress.theirs) != NULL;
}

struct bytes room_overview(const struct room *room)
{
    (void)room;
    return BYTES("[]");
}

void room_finished(struct room *room)
{
    room->finished = true;
}

_Noreturn void room_fail(struct room *room, const char *event, enum fp_error error)
{
    (void)event;
    room->failure = error;
    if (room->on_fail == NULL) {
        print_error("room_fail: %s\n", event);
        abort();
    }
    longjmp(*room->on_fail, 1);
}

// ---------------------------------------------------------------- neighbours

static inline void fake_up(struct room *room, struct fake *fake)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fake->ours = link_create(ends[0], fake->name, LINK_ROOM_VAULT);
    fake->theirs = link_create(ends[1], LINK_ROOM_VAULT, fake->name);
    assert_non_null(fake->ours);
    assert_non_null(fake->theirs);
    vault_room()->link_up(room->state, fake->name);
}

static inline void fake_forget(struct fake *fake)
{
    for (size_t i = 0; i < fake->count; i++) {
        mem_free(fake->frames[i].body);
    }
    fake->count = 0;
}

static inline void fake_down(struct room *room, struct fake *fake)
{
    link_free(fake->ours);
    link_free(fake->theirs);
    fake->ours = fake->theirs = NULL;
    vault_room()->link_down(room->state, fake->name);
}

static inline void fake_on_frame(void *ctx, const struct link_frame *frame)
{
    struct fake *fake = ctx;
    struct got *got = &fake->frames[fake->count];
    assert_true(fake->count < FRAMES);
    got->number = frame->number;
    got->len = frame->body.len;
    got->body = mem_alloc(1, frame->body.len + 1);
    assert_non_null(got->body);
    memcpy(got->body, frame->body.ptr, frame->body.len);
    fake->count++;
}

struct pump {
    struct room *room;   // whose vault
    enum link_room from; // who sends
};

static inline void pump_on_frame(void *ctx, const struct link_frame *frame)
{
    struct pump *pump = ctx;
    vault_room()->frame(pump->room->state, pump->from, frame);
}

static inline void pump_one(struct room *room, struct fake *fake)
{
    struct pump pump = {room, fake->name};
    if (fake->ours == NULL) {
        return;
    }
    assert_int_equal(link_flush(fake->ours), FP_OK);
    while (link_read(fake->theirs, pump_on_frame, &pump) == FP_OK) {
    }
    assert_int_equal(link_flush(fake->theirs), FP_OK);
    while (link_read(fake->ours, fake_on_frame, fake) == FP_OK) {
    }
}

static inline void room_pump(struct room *room)
{
    pump_one(room, &room->gateway);
    pump_one(room, &room->egress);
}

// Turns the loop until the neighbour got something, at most ten seconds (the vault's own timer
// wakes the loop twice a second).
static inline bool fake_wait(struct room *room, struct fake *fake)
{
    uint64_t end = clock_monotonic_ns() + UINT64_C(10000000000);
    room_pump(room);
    while (fake->count == 0 && clock_monotonic_ns() < end) {
        uv_run(&room->loop, UV_RUN_ONCE);
        room_pump(room);
    }
    return fake->count != 0;
}

// The next frame, which must be this one. Its body is valid until the next call.
static inline struct bytes fake_expect(struct room *room, struct fake *fake,
                                       enum link_number number)
{
    static uint8_t *last;
    struct got got;
    if (!fake_wait(room, fake)) {
        print_error("%s did not get %s\n", link_room_name(fake->name), link_rule(number)->name);
        fail();
    }
    got = fake->frames[0];
    memmove(fake->frames, fake->frames + 1, (fake->count - 1) * sizeof got);
    fake->count--;
    if (got.number != number) {
        print_error("%s got %s, not %s\n", link_room_name(fake->name), link_rule(got.number)->name,
                    link_rule(number)->name);
        fail();
    }
    mem_free(last);
    last = got.body;
    return bytes_of(got.body, got.len);
}

// Lets everything settle: whatever would come has come.
static inline void room_settle(struct room *room)
{
    for (int i = 0; i < 3; i++) {
        room_pump(room);
        usleep(2000);
        uv_run(&room->loop, UV_RUN_NOWAIT);
        room_pump(room);
    }
}

// ---------------------------------------------------------------- start and end

static inline void room_start(struct room *room)
{
    const struct room_ops *ops = vault_room();
    assert_int_equal(ops->open(room, &room->state), FP_OK);
    assert_int_equal(ops->start(room->state), FP_OK);
    fake_up(room, &room->gateway);
    fake_up(room, &room->egress);
}

static inline void room_stop(struct room *room)
{
    vault_room()->close(room->state);
    uv_run(&room->loop, UV_RUN_DEFAULT);
    fake_forget(&room->gateway);
    fake_forget(&room->egress);
    link_free(room->gateway.ours);
    link_free(room->gateway.theirs);
    link_free(room->egress.ours);
    link_free(room->egress.theirs);
}

static inline int listener_make(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

struct scene {
    struct room room; // first
    struct app app;   // an application
    struct app other; // another one
    struct conn conn; // its connection
};

static inline int scene_setup(void **state)
{
    struct scene *scene = mem_alloc(1, sizeof *scene);
    struct room *room = NULL;
    assert_non_null(scene);
    room = &scene->room;
    room->fixture = fixture_make();
    scene->app = app_make(room->fixture, "App", "live");
    scene->other = app_make(room->fixture, "Other", "live");
    scene->conn =
        conn_make(room->fixture, &scene->app, "Plant", "p@plant.test", "{\"password\":\"s3cret\"}");
    fixture_close(room->fixture);
    assert_int_equal(uv_loop_init(&room->loop), 0);
    room->gateway.name = LINK_ROOM_GATEWAY;
    room->egress.name = LINK_ROOM_EGRESS;
    snprintf(room->control_path, sizeof room->control_path, "%s/control.sock", room->fixture->dir);
    room->control_fd = listener_make(room->control_path);
    room_start(room);
    *state = scene;
    return 0;
}

static inline int scene_teardown(void **state)
{
    struct scene *scene = *state;
    room_stop(&scene->room);
    assert_int_equal(uv_loop_close(&scene->room.loop), 0);
    fixture_free(scene->room.fixture);
    mem_free(scene);
    return 0;
}

// ---------------------------------------------------------------- messages of the gateway

static inline void send_call(struct room *room, uint64_t number, const char *token,
                             unsigned operation, const char *key)
{
    struct link_call in = {.call = number,
                           .request_id = BYTES("req_test"),
                           .address = BYTES("192.0.2.7"),
                           .token = bytes_of_text(token),
                           .operation = (uint16_t)operation,
                           .key = bytes_of_text(key),
                           .query = BYTES("page=2"),
                           .body = BYTES("{}")};
    assert_int_equal(link_put_call(link_out(room->gateway.ours), &in), FP_OK);
}

static inline struct link_answer expect_answer(struct room *room, uint64_t number,
                                               enum fp_error error)
{
    struct link_answer answer = {0};
    struct bytes body = fake_expect(room, &room->gateway, LINK_ANSWER);
    assert_int_equal(link_get_answer(body, &answer), FP_OK);
    assert_int_equal(answer.call, number);
    if (answer.error != error) {
        print_error("%s, not %s: %.*s\n", fp_error_code((enum fp_error)answer.error),
                    fp_error_code(error), BYTES_ARG(answer.detail));
    }
    assert_int_equal(answer.error, error);
    return answer;
}

static inline struct link_execute expect_execute(struct room *room, uint64_t number)
{
    struct link_execute out = {0};
    assert_int_equal(link_get_execute(fake_expect(room, &room->egress, LINK_EXECUTE), &out), FP_OK);
    assert_int_equal(out.call, number);
    return out;
}

static inline void send_outcome(struct room *room, uint64_t number, const char *connection,
                                uint32_t version, enum fp_error error)
{
    struct link_outcome in = {.call = number,
                              .connection = bytes_of_text(connection),
                              .credential_version = version,
                              .error = (uint16_t)error,
                              .source_status = 200,
                              .detail = BYTES("{\"source_status\":200}")};
    assert_int_equal(link_put_outcome(link_out(room->egress.ours), &in), FP_OK);
}

static inline bool answer_holds(const struct link_answer *answer, const char *pointer,
                                const char *expected)
{
    char json[4096];
    struct bytes text = answer->error == FP_OK ? answer->body : answer->detail;
    assert_true(bytes_to_text(text, json, sizeof json));
    return json_has_text(json, pointer, expected);
}

#endif
