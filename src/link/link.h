// A link: one end of a stream socketpair (or control socket) between two rooms. Frames are
// collected and written together, once per turn of the room's loop; every frame that comes in is
// checked against link.def before the room sees it. Whoever breaks a rule loses the link.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_LINK_LINK_H
#define FP_LINK_LINK_H

#include "base/buf.h"
#include "base/error.h"
#include "link/link_messages.h"

#define LINK_VERSION 1

struct link;

struct link_rule {
    const char *name;  // of the message
    unsigned from, to; // rooms that may send and receive it: bits 1u << enum link_room
    size_t least;      // bytes of the shortest frame
    size_t most;       // bytes of the longest frame
    bool secret;       // carries a secret: wiped after use
};

// NULL for a number that no message has.
const struct link_rule *link_rule(unsigned number);
const char *link_room_name(enum link_room room);
bool link_room_from_name(struct bytes name, enum link_room *out);

struct link_frame {
    enum link_number number; // which message; allowed from the peer to us
    struct bytes body;       // for link_get_*(); valid until the handler returns
};

// Takes over the descriptor (non-blocking is set) and queues our HELLO. me and peer say who sits at
// the two ends. NULL when out of memory; the descriptor is then closed.
struct link *link_create(int fd, enum link_room me, enum link_room peer);
void link_free(struct link *link); // closes; takes NULL
int link_fd(const struct link *link);
enum link_room link_peer(const struct link *link);

// Where outgoing frames are collected: append with link_put_*(link_out(link), ...), then they leave
// with the next link_flush(). FP_E_LIMIT_EXCEEDED from link_put_*() means that the peer does not
// keep up (LINK_QUEUE): refuse the new call, keep the link.
struct buf *link_out(struct link *link);
// Writes what is queued, as much as the socket takes. FP_OK: all gone; FP_E_AGAIN: the rest waits
// until the descriptor is writable; FP_E_LINK_CLOSED.
enum fp_error link_flush(struct link *link);
bool link_wants_write(const struct link *link);
// Whether the peer's HELLO was read: it serves.
bool link_is_greeted(const struct link *link);

// Reads what is there, then hands out at most LINK_READS_PER_TURN frames, in order. Keep calling
// while it returns FP_OK (more may wait); FP_E_AGAIN: nothing left for now; FP_E_LINK_CLOSED: the
// peer is gone; FP_E_MESSAGE_INVALID: the peer broke a rule. In the last two cases drop the link.
// The handler must not free the link.
enum fp_error link_read(struct link *link,
                        void (*handler)(void *ctx, const struct link_frame *frame), void *ctx);

#endif
