// The one binary: hands the command line to the command table, or becomes one of the rooms where
// the supervisor started it as such. SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "console/console.h"
#include "crypto/setup.h"
#include "egress/egress.h"
#include "gateway/gateway.h"
#include "link/link.h"
#include "room/room.h"
#include "supervisor/supervisor.h"
#include "vault/vault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern char **environ;

struct main_room {
    enum link_room name;                 // which
    const struct room_ops *(*ops)(void); // what it does
};

// In the order of their start.
static const struct main_room main_rooms[] = {
    {LINK_ROOM_GATEWAY, gateway_room},
    {LINK_ROOM_VAULT, vault_room},
    {LINK_ROOM_EGRESS, egress_room},
    {LINK_ROOM_CONSOLE, console_room},
};
#define MAIN_ROOMS (sizeof main_rooms / sizeof main_rooms[0])

static int main_serve(const struct config *config)
{
    enum link_room names[MAIN_ROOMS];
    size_t count = 0;
    for (size_t i = 0; i < MAIN_ROOMS; i++) {
        if (main_rooms[i].name != LINK_ROOM_CONSOLE || config->console_listen[0] != '\0') {
            names[count++] = main_rooms[i].name;
        }
    }
    return supervisor_main(config, names, count);
}

// `fishplate room NAME`: not for people. Without the supervisor's socket there is nothing to do.
static int main_room(const char *name)
{
    struct stat about;
    if (fstat(SUPERVISOR_CHANNEL, &about) != 0 || !S_ISSOCK(about.st_mode)) {
        log_event(LOG_ERROR, "room_not_started", "Rooms are started by fishplate serve.");
        return CLI_USAGE;
    }
    for (size_t i = 0; i < MAIN_ROOMS; i++) {
        if (strcmp(name, link_room_name(main_rooms[i].name)) == 0) {
            mem_keep_freed();
            // before anything is read, and before files are out of reach
            if (crypto_setup() != FP_OK) {
                log_event(LOG_ERROR, "room_not_started",
                          "The self-test of the cryptography failed.");
                return EXIT_FAILURE;
            }
            return room_main(main_rooms[i].ops(), SUPERVISOR_CHANNEL);
        }
    }
    log_event(LOG_ERROR, "room_not_started", "There is no such room.");
    return CLI_USAGE;
}

int main(int argc, char *argv[])
{
    const struct cli_hooks hooks = {.serve = main_serve};
    if (argc == 3 && strcmp(argv[1], "room") == 0) {
        return main_room(argv[2]);
    }
    return cli_main(argc, argv, environ, &hooks);
}
