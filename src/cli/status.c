// fishplate status: what the running server does, and how it is protected.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/json_memory.h"

#include "link/link.h"

static const struct cli_column status_lines[] = {
    {"version", "version"},
    {"key source", "key_source"},
    {"sealed", "sealed"},
    {.title = NULL},
};
static const struct cli_column status_calls[] = {
    {"calls in flight", "in_flight"},
    {"credentials being tried", "verifying"},
    {.title = NULL},
};
static const struct cli_column status_rooms[] = {
    {"ROOM", "name"}, {"STATE", "state"}, {"PID", "pid"}, {"STARTS", "starts"}, {.title = NULL},
};
static const struct cli_column status_audit[] = {
    {"audit log", "state"}, {"records", "records"},
    {"refused", "refused"}, {"last checkpoint", "checkpoint_at"},
    {.title = NULL},
};
static const struct cli_column status_store[] = {
    {"store", "state"},
    {"backend", "backend"},
    {"commits", "commits"},
    {.title = NULL},
};

static void status_part(const struct cli *cli, const struct cli_json *json, const char *name,
                        const struct cli_column *columns)
{
    struct buf text;
    yyjson_val *part = yyjson_obj_get(json->root, name);
    buf_init(&text, 65536);
    if (part != NULL && cli_json_write(json, part, &text) == FP_OK) {
        putchar('\n');
        (void)(yyjson_is_arr(part) ? cli_print_table(cli, buf_bytes(&text), columns)
                                   : cli_print_object(cli, buf_bytes(&text), columns));
    }
    buf_done(&text);
}

// One line a room: what is in force, and what is missing.
static void status_protections(yyjson_val *rooms)
{
    size_t index = 0, max = 0, each = 0, members = 0;
    yyjson_val *room = NULL, *name = NULL, *value = NULL;
    yyjson_arr_foreach(rooms, index, max, room)
    {
        yyjson_val *protections = yyjson_obj_get(room, "protections");
        const char *who = yyjson_get_str(yyjson_obj_get(room, "name"));
        printf("%-12s", who != NULL ? who : "?");
        yyjson_obj_foreach(protections, each, members, name, value)
        {
            if (yyjson_is_bool(value)) {
                printf(" %s%s", yyjson_get_bool(value) ? "" : "NOT:", yyjson_get_str(name));
            } else {
                printf(" %s=%lld", yyjson_get_str(name), (long long)yyjson_get_sint(value));
            }
        }
        putchar('\n');
    }
}

enum cli_exit cli_status(const struct cli *cli)
{
    struct link_status question = {.call = 1, .actor = cli_actor()};
    struct buf frame = cli_question();
    struct cli_answer answer = {0};
    struct cli_json json = {0};
    enum cli_exit result = CLI_OK;
    if (link_put_status(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK && cli_json_read(buf_bytes(&answer.data), &json) == FP_OK) {
        bool running = yyjson_get_bool(yyjson_obj_get(json.root, "running"));
        result = cli_print_object(cli, buf_bytes(&answer.data), status_lines);
        if (!cli->json && running) {
            status_part(cli, &json, "rooms", status_rooms);
            putchar('\n');
            status_protections(yyjson_obj_get(json.root, "rooms"));
        }
        if (!cli->json) {
            status_part(cli, &json, "calls", status_calls);
            status_part(cli, &json, "audit", status_audit);
            status_part(cli, &json, "store", status_store);
        }
        if (!running) {
            fputs("The server is not running: start it with fishplate serve.\n", stderr);
            result = CLI_NOT_RUNNING;
        }
        cli_json_done(&json);
    }
    cli_answer_done(&answer);
    return result;
}
