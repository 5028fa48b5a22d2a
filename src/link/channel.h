// The supervisor's channel to one room: a SEQPACKET pair, one frame of link.def a packet, with at
// most one descriptor. Few and small messages, each sent at once. No HELLO: both ends are the same
// executable, started by one another. SPDX-License-Identifier: Apache-2.0
#ifndef FP_LINK_CHANNEL_H
#define FP_LINK_CHANNEL_H

#include "link/link.h"

#define CHANNEL_PACKET 16384 // bytes of the largest frame; beyond every message of the supervisor

struct channel_packet {
    struct link_frame frame;      // its body points into data
    int fd;                       // that came along, close-on-exec; -1: none. The receiver closes
    uint8_t data[CHANNEL_PACKET]; // the frame
};

// Both ends close-on-exec; the supervisor's is non-blocking. FP_E_IO_FAILED.
enum fp_error channel_pair(int *supervisor_out, int *room_out);
// Sends one whole frame as link_put_*() makes it, and a descriptor unless passed is -1 (it stays
// open here). FP_E_AGAIN: the room does not read; FP_E_LINK_CLOSED; FP_E_IO_FAILED.
enum fp_error channel_send(int fd, struct bytes frame, int passed);
// Receives one frame and checks it against link.def. FP_E_AGAIN: none now; FP_E_LINK_CLOSED;
// FP_E_MESSAGE_INVALID.
enum fp_error channel_receive(int fd, enum link_room me, enum link_room peer,
                              struct channel_packet *out);

#endif
