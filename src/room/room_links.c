// The links of a room in its loop: read in bounded steps, written once per turn, dropped when the
// other end is gone. A broken rule ends the room. SPDX-License-Identifier: Apache-2.0
#include "room/room_int.h"

#include "base/log.h"
#include "base/mem.h"

// Steps of link_read() per event; each hands out at most LINK_READS_PER_TURN frames.
#define PEER_STEPS 4

static void peer_on_frame(void *ctx, const struct link_frame *frame)
{
    struct room_peer *peer = ctx;
    peer->room->ops->frame(peer->room->state, peer->name, frame);
}

static void peer_log(const struct room_peer *peer, const char *event)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, event);
    log_text_c(&line, "peer", link_room_name(peer->name));
    log_end(&line);
}

static void peer_on_closed(uv_handle_t *handle)
{
    struct room_peer *peer = handle->data;
    link_free(peer->link);
    mem_free(peer);
}

void room__peer_drop(struct room *room, enum link_room name)
{
    struct room_peer *peer = room->peers[name];
    if (peer != NULL) {
        room->peers[name] = NULL;
        (void)uv_poll_stop(&peer->poll);
        uv_close((uv_handle_t *)&peer->poll, peer_on_closed);
    }
}

void room__peer_lose(struct room *room, enum link_room name)
{
    if (room->peers[name] != NULL) {
        peer_log(room->peers[name], "link_down");
        room__peer_drop(room, name);
        if (room->serving) {
            room->ops->link_down(room->state, name);
        }
    }
}

static void peer_read(struct room_peer *peer)
{
    enum fp_error error = FP_OK;
    for (unsigned i = 0; i < PEER_STEPS && error == FP_OK; i++) {
        error = link_read(peer->link, peer_on_frame, peer);
    }
    peer->more = error == FP_OK;
    if (error == FP_E_LINK_CLOSED || (error == FP_E_AGAIN && peer->broken)) {
        room__peer_lose(peer->room, peer->name);
    } else if (error != FP_OK && error != FP_E_AGAIN) {
        room_fail(peer->room, error == FP_E_MESSAGE_INVALID ? "link_rule_broken" : "link_failed",
                  error);
    }
}

static void peer_on_event(uv_poll_t *handle, int status, int events);

static void peer_watch(struct room_peer *peer, bool writing)
{
    peer->waiting = writing;
    if (uv_poll_start(&peer->poll, UV_READABLE | (writing ? UV_WRITABLE : 0), peer_on_event) != 0) {
        room_fail(peer->room, "loop_failed", FP_E_INTERNAL);
    }
}

static void peer_flush(struct room_peer *peer)
{
    enum fp_error error = FP_OK;
    if (peer->broken || !link_wants_write(peer->link)) {
        return;
    }
    error = link_flush(peer->link);
    if (error == FP_E_AGAIN && !peer->waiting) {
        peer_watch(peer, true);
    } else if (error == FP_OK && peer->waiting) {
        peer_watch(peer, false);
    } else if (error != FP_OK && error != FP_E_AGAIN) {
        // what the peer sent before it went is still worth reading
        peer->broken = true;
        peer->more = true;
    }
}

static void peer_on_event(uv_poll_t *handle, int status, int events)
{
    struct room_peer *peer = handle->data;
    if ((events & UV_WRITABLE) != 0) {
        peer_flush(peer);
    }
    if (status != 0 || (events & UV_READABLE) != 0) {
        peer_read(peer);
    }
}

void room__peer_attach(struct room *room, enum link_room name, int fd)
{
    struct room_peer *peer = mem_alloc(1, sizeof *peer);
    struct link *link = link_create(fd, room->ops->name, name);
    if (peer == NULL || link == NULL) {
        room_fail(room, "link_failed", FP_E_NO_MEMORY);
    }
    room__peer_lose(room, name);
    *peer = (struct room_peer){.room = room, .link = link, .name = name};
    if (uv_poll_init(&room->loop, &peer->poll, link_fd(link)) != 0) {
        room_fail(room, "loop_failed", FP_E_INTERNAL);
    }
    peer->poll.data = peer;
    peer_watch(peer, false);
    room->peers[name] = peer;
    if (room->serving) {
        peer_log(peer, "link_up");
        room->ops->link_up(room->state, name);
    }
}

void room__peers_read_on(struct room *room)
{
    for (unsigned i = 0; i < LINK_ROOM_COUNT; i++) {
        if (room->peers[i] != NULL && room->peers[i]->more) {
            peer_read(room->peers[i]);
        }
    }
}

void room__peers_flush(struct room *room)
{
    for (unsigned i = 0; i < LINK_ROOM_COUNT; i++) {
        if (room->peers[i] != NULL) {
            peer_flush(room->peers[i]);
        }
    }
}

bool room__peers_want_write(const struct room *room)
{
    for (unsigned i = 0; i < LINK_ROOM_COUNT; i++) {
        const struct room_peer *peer = room->peers[i];
        if (peer != NULL && !peer->broken && link_wants_write(peer->link)) {
            return true;
        }
    }
    return false;
}

struct buf *room_out(struct room *room, enum link_room peer)
{
    return room->peers[peer] != NULL ? link_out(room->peers[peer]->link) : NULL;
}

bool room_link_is_up(const struct room *room, enum link_room peer)
{
    return room->peers[peer] != NULL && link_is_greeted(room->peers[peer]->link);
}
