// What all rooms share: taking over descriptors from the supervisor, the sandbox, the loop, the
// links. A room fills struct room_ops and calls room_main(); it then reads top to bottom as: open
// what needs opening, be sandboxed, serve. SPDX-License-Identifier: Apache-2.0
#ifndef FP_ROOM_ROOM_H
#define FP_ROOM_ROOM_H

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "link/link.h"
#include "sandbox/sandbox.h"

#include <uv.h>

struct room;

// What a descriptor in a HANDOVER is.
enum room_handover {
    ROOM_HANDOVER_CONFIG = 1, // memory file with struct config
    ROOM_HANDOVER_LINK,       // stream socket to the peer named; a new one replaces a broken one
    ROOM_HANDOVER_LISTENER,   // listening socket: "api.0", "plain.0", "metrics", "control"
    ROOM_HANDOVER_FILE // opened file, at its beginning: "tls.certificate", "tls.key", "master.key"
};

struct room_ops {
    enum link_room name;        // which room
    enum sandbox_policy policy; // what it may do
    // Before the sandbox closes and after privileges are dropped: open what cannot be opened later.
    enum fp_error (*open)(struct room *room, void **state_out);
    // Sandboxed: begin to serve. No foreign byte was read before.
    enum fp_error (*start)(void *state);
    // A frame from another room; valid during the call.
    void (*frame)(void *state, enum link_room from, const struct link_frame *frame);
    // There is a link to a peer (again), though it may still be starting; or it broke: calls under
    // way through it are lost.
    void (*link_up)(void *state, enum link_room peer);
    void (*link_down)(void *state, enum link_room peer);
    // New files were handed over (room_take_fd()): take them into use. May be NULL.
    void (*reload)(void *state);
    // Accept nothing new, finish what is in flight, then call room_finished().
    void (*drain)(void *state, unsigned within_ms);
    // The loop is over: release everything. The loop turns a few times more after it, for the
    // callbacks of uv_close().
    void (*close)(void *state);
};

// Runs a room in this process until it is told to end; never parses before it is sandboxed. Returns
// the exit status of the process.
int room_main(const struct room_ops *ops, int supervisor_fd);

uv_loop_t *room_loop(struct room *room);
const struct config *room_config(const struct room *room);
// Takes over a descriptor handed to us; -1 when there is none of that kind and name. The caller
// closes.
int room_take_fd(struct room *room, enum room_handover kind, const char *name);
// Appends what a handed-over file (ROOM_HANDOVER_FILE) holds and closes it. FP_E_CONFIG_INVALID:
// none of that name; FP_E_IO_FAILED: it cannot be read, or is longer than out may be.
enum fp_error room_take_file(struct room *room, const char *name, struct buf *out);
// The outgoing frames of the link to a peer, or NULL while that link is down. What is appended
// leaves at the end of this turn of the loop, all together.
struct buf *room_out(struct room *room, enum link_room peer);
// Whether the peer serves: it has said HELLO. Before that, frames may be queued for it already.
bool room_link_is_up(const struct room *room, enum link_room peer);
// All rooms as the supervisor sees them: a JSON array of {"name","pid","state","starts",
// "protections"}; "[]" before the supervisor said so. Valid until the next turn of the loop.
struct bytes room_overview(const struct room *room);
// The drain is done; the loop ends as soon as the links are flushed.
void room_finished(struct room *room);
// The room cannot go on: logs why and ends the process with a failure, for the supervisor to
// restart.
_Noreturn void room_fail(struct room *room, const char *event, enum fp_error error);

#endif
