// Links: collecting, writing, reading and checking frames.
// SPDX-License-Identifier: Apache-2.0
#include "link/link.h"

#include "base/limits.h"
#include "base/mem.h"
#include "link/link_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK_READ_STEP 65536

struct link {
    int fd;              // owned
    enum link_room me;   // our room
    enum link_room peer; // the other end
    bool greeted;        // the peer's HELLO came
    bool ended;          // end of file was read
    size_t written;      // bytes at the front of out that are gone already
    size_t taken;        // bytes at the front of in that are handled already
    struct buf out;      // frames to write
    struct buf in;       // bytes read
};

static const char *const room_names[LINK_ROOM_COUNT] = {
    [LINK_ROOM_SUPERVISOR] = "supervisor", [LINK_ROOM_GATEWAY] = "gateway",
    [LINK_ROOM_VAULT] = "vault",           [LINK_ROOM_EGRESS] = "egress",
    [LINK_ROOM_CONSOLE] = "console",       [LINK_ROOM_CONTROL] = "control",
};

const char *link_room_name(enum link_room room)
{
    return room < LINK_ROOM_COUNT ? room_names[room] : "?";
}

bool link_room_from_name(struct bytes name, enum link_room *out)
{
    for (unsigned i = 0; i < LINK_ROOM_COUNT; i++) {
        if (bytes_equal_text(name, room_names[i])) {
            *out = (enum link_room)i;
            return true;
        }
    }
    return false;
}

struct link *link_create(int fd, enum link_room me, enum link_room peer)
{
    struct link *link = mem_alloc(1, sizeof *link);
    struct link_hello hello = {LINK_VERSION, bytes_of_text(link_room_name(me))};
    int flags = fcntl(fd, F_GETFL);
    if (link == NULL || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        mem_free(link);
        close(fd);
        return NULL;
    }
    link->fd = fd;
    link->me = me;
    link->peer = peer;
    // both directions may hold credentials and tokens
    buf_init_sensitive(&link->out, FP_LIMIT_LINK_QUEUE);
    buf_init_sensitive(&link->in, (size_t)2 * FP_LIMIT_LINK_FRAME);
    if (link_put_hello(&link->out, &hello) != FP_OK) {
        link_free(link);
        return NULL;
    }
    return link;
}

void link_free(struct link *link)
{
    if (link != NULL) {
        close(link->fd);
        buf_done(&link->out);
        buf_done(&link->in);
        mem_free(link);
    }
}

int link_fd(const struct link *link)
{
    return link->fd;
}

enum link_room link_peer(const struct link *link)
{
    return link->peer;
}

struct buf *link_out(struct link *link)
{
    // a full queue is the fault of one call, not of the link
    link->out.error = FP_OK;
    return &link->out;
}

bool link_wants_write(const struct link *link)
{
    return link->out.len > link->written;
}

bool link_is_greeted(const struct link *link)
{
    return link->greeted;
}

enum fp_error link_flush(struct link *link)
{
    while (link_wants_write(link)) {
        ssize_t sent = send(link->fd, link->out.ptr + link->written, link->out.len - link->written,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            // move the rest to the front only when that is cheap
            if (link->written > link->out.len / 2) {
                buf_consume(&link->out, link->written);
                link->written = 0;
            }
            return FP_E_AGAIN;
        }
        if (sent <= 0) {
            return FP_E_LINK_CLOSED;
        }
        link->written += (size_t)sent;
    }
    // wipes what was sent; memory of a burst is given back
    buf_clear(&link->out);
    if (link->out.room > (size_t)4 * FP_LIMIT_LINK_FRAME) {
        buf_done(&link->out);
    }
    link->written = 0;
    return FP_OK;
}

static enum fp_error link_fill(struct link *link)
{
    uint8_t *space = buf_reserve(&link->in, LINK_READ_STEP);
    ssize_t got = 0;
    if (space == NULL) {
        return buf_error(&link->in);
    }
    do {
        got = recv(link->fd, space, LINK_READ_STEP, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        buf_commit(&link->in, (size_t)got);
        return FP_OK;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return FP_E_AGAIN;
    }
    link->ended = true;
    return FP_E_LINK_CLOSED;
}

// The rules of link.def for one header; most of them are broken only by a room that was taken over.
static bool link_allowed(const struct link *link, size_t length, unsigned number, unsigned zero)
{
    const struct link_rule *rule = link_rule(number);
    return rule != NULL && zero == 0 && length >= rule->least && length <= rule->most &&
           (rule->from >> link->peer & 1u) != 0 && (rule->to >> link->me & 1u) != 0 &&
           link->greeted == (number != LINK_HELLO);
}

static bool link_greet(struct link *link, struct bytes body)
{
    struct link_hello hello = {0};
    if (link_get_hello(body, &hello) != FP_OK || hello.version != LINK_VERSION ||
        !bytes_equal_text(hello.room, link_room_name(link->peer))) {
        return false;
    }
    link->greeted = true;
    return true;
}

// One whole frame off the buffer. FP_E_AGAIN: not all there yet.
static enum fp_error link_next(struct link *link, struct link_frame *frame_out)
{
    struct bytes have = bytes_slice(buf_bytes(&link->in), link->taken, link->in.len);
    struct link_reader r = {have, true};
    size_t length = 0;
    unsigned number = 0, zero = 0;
    if (have.len < LINK_HEADER) {
        return FP_E_AGAIN;
    }
    length = (size_t)link_reader_number(&r, 4);
    number = (unsigned)link_reader_number(&r, 2);
    zero = (unsigned)link_reader_number(&r, 2);
    if (!link_allowed(link, length, number, zero)) {
        return FP_E_MESSAGE_INVALID;
    }
    if (have.len < length) {
        return FP_E_AGAIN;
    }
    link->taken += length;
    *frame_out = (struct link_frame){(enum link_number)number,
                                     bytes_slice(have, LINK_HEADER, length - LINK_HEADER)};
    return FP_OK;
}

static enum fp_error link_hand_out(struct link *link,
                                   void (*handler)(void *ctx, const struct link_frame *frame),
                                   void *ctx)
{
    enum fp_error error = FP_OK;
    for (unsigned i = 0; i < FP_LIMIT_LINK_READS_PER_TURN && error == FP_OK; i++) {
        struct link_frame frame = {0};
        error = link_next(link, &frame);
        if (error == FP_OK && frame.number == LINK_HELLO) {
            error = link_greet(link, frame.body) ? FP_OK : FP_E_MESSAGE_INVALID;
        } else if (error == FP_OK) {
            handler(ctx, &frame);
        }
    }
    buf_consume(&link->in, link->taken);
    link->taken = 0;
    return error;
}

enum fp_error link_read(struct link *link,
                        void (*handler)(void *ctx, const struct link_frame *frame), void *ctx)
{
    enum fp_error error = FP_OK;
    // leave room for the largest frame: then a full buffer always holds a whole one
    if (!link->ended && link->in.len < FP_LIMIT_LINK_FRAME) {
        error = link_fill(link);
        if (error != FP_OK && error != FP_E_AGAIN && error != FP_E_LINK_CLOSED) {
            return error;
        }
    }
    enum fp_error handed = link_hand_out(link, handler, ctx);
    if (handed == FP_E_MESSAGE_INVALID || handed == FP_OK) {
        return handed;
    }
    if (link->ended) {
        return FP_E_LINK_CLOSED;
    }
    return error == FP_OK ? FP_OK : FP_E_AGAIN;
}
