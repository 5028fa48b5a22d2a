// The gateway room.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_GATEWAY_GATEWAY_H
#define FP_GATEWAY_GATEWAY_H

#include "room/room.h"

// What the room does, for room_main(). Lives as long as the program.
const struct room_ops *gateway_room(void);

#endif
