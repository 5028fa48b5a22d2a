// The supervisor: opens sockets and files, starts one process for each room, hands over, restarts
// what dies, ends all together. It parses nothing that comes from outside.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_SUPERVISOR_SUPERVISOR_H
#define FP_SUPERVISOR_SUPERVISOR_H

#include "config/config.h"
#include "link/link.h"

#include <stddef.h>

// Runs until SIGTERM or SIGINT (drains; a second one ends at once); SIGHUP: certificates are taken
// anew. Each room is this same executable with the arguments `room NAME` and its channel as
// descriptor SUPERVISOR_CHANNEL. Returns the exit status: 0 after a drain, 1 where a room cannot
// start or the server cannot listen.
int supervisor_main(const struct config *config, const enum link_room *rooms, size_t room_count);

#define SUPERVISOR_CHANNEL 3

#endif
