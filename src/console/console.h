// The console room: the dashboard and its requests, on a listener of its own.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONSOLE_CONSOLE_H
#define FP_CONSOLE_CONSOLE_H

#include "room/room.h"

// What the room does, for room_main(). Lives as long as the program.
const struct room_ops *console_room(void);

#endif
