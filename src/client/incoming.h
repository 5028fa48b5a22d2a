// One HTTP/1.1 answer of a source, read piece by piece: llhttp (strict), limits on headers and
// body, gzip and deflate undone on the way. Knows no socket. RFC 9112.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_INCOMING_H
#define FP_CLIENT_INCOMING_H

#include "base/arena.h"
#include "base/buf.h"
#include "client/client.h"
#include "client/inflate.h"

#include <llhttp.h>

enum client_incoming_state {
    INCOMING_MORE, // wants more bytes
    INCOMING_DONE, // the answer is whole
    INCOMING_WRONG // see fault
};

enum client_fault {
    CLIENT_FAULT_NONE,    // none
    CLIENT_FAULT_HTTP,    // no HTTP that we understand
    CLIENT_FAULT_HEADERS, // more or longer headers than allowed
    CLIENT_FAULT_BODY,    // a larger body than allowed
    CLIENT_FAULT_CODING,  // broken or unknown compression
    CLIENT_FAULT_MEMORY   // no memory for what came
};

struct client_incoming {
    llhttp_t grammar;               // llhttp's state
    struct arena *arena;            // for headers; not owned
    struct buf *body;               // decoded; its maximum is the limit; not owned
    struct client_inflate *inflate; // owned; NULL: the body comes as it is
    struct client_header *fields;   // of the last head, in the arena
    size_t field_count;             // of fields
    size_t field_room;              // entries of fields
    struct buf line;                // name and value of the header under way
    size_t name_len;                // how much of line is the name
    size_t head_bytes;              // of all heads and trailers so far
    uint64_t raw_bytes;             // of everything so far
    unsigned status;                // of the last head; 0: none yet
    bool head;                      // the request was HEAD: no body comes
    bool in_body;                   // header lines from now on are trailers
    bool done;                      // the last message is whole
    bool keep;                      // another request may follow on this connection
    enum client_fault fault;        // what is wrong
};

// Made for one answer; head: of a HEAD request.
void client_incoming_init(struct client_incoming *in, struct arena *arena, struct buf *body,
                          bool head);
void client_incoming_done(struct client_incoming *in); // takes zeroed ones
enum client_incoming_state client_incoming_feed(struct client_incoming *in, struct bytes data);
// No more bytes come: DONE where the end of the connection is the end of the body; else WRONG with
// CLIENT_FAULT_NONE, the answer was cut off.
enum client_incoming_state client_incoming_finish(struct client_incoming *in);

#endif
