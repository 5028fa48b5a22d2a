// The egress room.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_EGRESS_EGRESS_H
#define FP_EGRESS_EGRESS_H

#include "room/room.h"

// What the room does, for room_main(). Lives as long as the program.
const struct room_ops *egress_room(void);

#endif
