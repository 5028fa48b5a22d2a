// Numbers and runs of bytes on the wire: what the generated encoders and decoders are made of.
// Little-endian; every read is checked.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_LINK_WIRE_H
#define FP_LINK_WIRE_H

#include "base/buf.h"

#define LINK_HEADER 8 // u32 length of the frame, u16 number, u16 zero

struct link_writer {
    struct buf *out; // where the frame goes
    uint8_t *at;     // next byte, in reserved room
    size_t total;    // length of the frame
};

struct link_reader {
    struct bytes rest; // what is not read yet
    bool good;         // no read failed so far
};

// Reserves the whole frame and writes its header; false when the buffer takes no more.
bool link_writer_begin(struct link_writer *w, struct buf *out, unsigned number, size_t total);
void link_writer_number(struct link_writer *w, uint64_t value, unsigned width);
void link_writer_bytes(struct link_writer *w, struct bytes value);
void link_writer_end(struct link_writer *w);
// 0 and not good any more when too little is left.
uint64_t link_reader_number(struct link_reader *r, unsigned width);
struct bytes link_reader_bytes(struct link_reader *r, size_t max);

#endif
