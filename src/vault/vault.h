// The vault room.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_VAULT_VAULT_H
#define FP_VAULT_VAULT_H

#include "room/room.h"

// What the room does, for room_main(). Lives as long as the program.
const struct room_ops *vault_room(void);

#endif
