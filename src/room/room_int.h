// Shared by the files of this folder only.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_ROOM_ROOM_INT_H
#define FP_ROOM_ROOM_INT_H

#include "room/room.h"

#include "base/limits.h"
#include "config/store_url.h"

#define ROOM_NAME 65 // of a descriptor, with NUL; HANDOVER says 64

// A link that works, with its place in the loop. Freed by the close callback of the poll handle,
// never inside an event batch.
struct room_peer {
    struct room *room;   // back
    struct link *link;   // owned
    uv_poll_t poll;      // of the link's descriptor
    enum link_room name; // who sits at the other end
    bool more;           // frames wait in the link's buffer: read on without an event
    bool waiting;        // polled for writing, too
    bool broken;         // nothing more can be written
};

struct room_descriptor {
    enum room_handover kind; // 0: this place is free
    char name[ROOM_NAME];    // "api.0", "tls.key", "vault"
    int fd;                  // owned until taken
};

struct room {
    const struct room_ops *ops;               // what this room does
    void *state;                              // its own state
    struct config config;                     // as it was handed over
    struct config_store store;                // of the vault: the database, if there is one
    int channel;                              // to the supervisor; owned
    uv_loop_t loop;                           // the one loop
    uv_poll_t channel_poll;                   // of the channel
    uv_prepare_t prepare;                     // before the loop sleeps: flush
    uv_check_t check;                         // after events: read on, flush
    uv_idle_t idle;                           // active while a peer has more: do not sleep
    uv_timer_t drain_timer;                   // end of the time for draining
    struct room_peer *peers[LINK_ROOM_COUNT]; // NULL: down
    struct room_descriptor handed[FP_LIMIT_ROOM_DESCRIPTORS]; // not taken yet
    struct sandbox_report report;                             // protections in force
    struct buf overview;                                      // JSON of the last ROOMS
    bool serving;  // started: links tell the room about themselves
    bool finished; // the room has nothing left to do
    int status;    // exit status of the process
};

// Keeps a descriptor for room_take_fd(); one of the same kind and name is replaced and closed.
// false when there is no place; the descriptor is then closed.
bool room__keep_fd(struct room *room, enum room_handover kind, struct bytes name, int fd);

// Takes over a link's descriptor; a link to the same peer that is still there is dropped first.
void room__peer_attach(struct room *room, enum link_room name, int fd);
// Drops a link and tells the room; nothing when it is down.
void room__peer_lose(struct room *room, enum link_room name);
// Drops a link without telling, at the end.
void room__peer_drop(struct room *room, enum link_room name);
// What the loop does before and after it sleeps.
void room__peers_read_on(struct room *room);
void room__peers_flush(struct room *room);
bool room__peers_want_write(const struct room *room);

// The paths that stay reachable for this room, at most ROOM_PATHS_MAX. Returns how many; the texts
// live in the config or are constant, but for the last two, which live in space.
#define ROOM_PATHS_MAX 24
struct room_path_space {
    char folder[2][CONFIG_PATH]; // folders of files
};
size_t room__paths(const struct room *room, struct room_path_space *space,
                   struct sandbox_path out[static ROOM_PATHS_MAX]);
// The vault's files lie in one folder: as root it gets that folder as its whole file system.
// Folders above it may then stay closed to its user. The paths in the config count from it
// afterwards.
enum fp_error room__enter_root(struct room *room, struct fp_note *note);

#endif
