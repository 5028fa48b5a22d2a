// A question to the running server over its control socket; with no server, to this process itself.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/json_memory.h"

#include "base/clock.h"
#include "base/limits.h"
#include "config/data_dir.h"
#include "link/link.h"
#include "link/local_socket.h"

#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define ASK_PATIENCE_MS 120000 // a log-in that a source slows down, and the vault's own deadlines

// One exchange.
struct ask {
    const struct cli *cli;  // for output
    struct cli_answer *out; // what came
    bool answered;          // the answer is there
};

struct bytes cli_actor(void)
{
    static char name[64];
    const struct passwd *entry = getpwuid(getuid());
    if (name[0] == '\0' && entry != NULL) {
        snprintf(name, sizeof name, "%s", entry->pw_name);
    } else if (name[0] == '\0') {
        snprintf(name, sizeof name, "%u", (unsigned)getuid());
    }
    return bytes_of_text(name);
}

struct buf cli_question(void)
{
    struct buf frame;
    buf_init_sensitive(&frame, FP_LIMIT_LINK_FRAME);
    return frame;
}

void cli_answer_done(struct cli_answer *answer)
{
    buf_done(&answer->data);
}

void cli_answer_take(struct cli_answer *answer, struct bytes body)
{
    struct cli_json json = {0};
    const char *next = NULL;
    if (cli_json_read(body, &json) != FP_OK) {
        fputs("fishplate: the server's answer is not JSON.\n", stderr);
        answer->exit = CLI_FAILED;
        return;
    }
    next = yyjson_get_str(yyjson_obj_get(json.root, "next"));
    snprintf(answer->next, sizeof answer->next, "%s", next != NULL ? next : "");
    answer->exit = cli_json_write(&json, yyjson_obj_get(json.root, "data"), &answer->data) == FP_OK
                       ? CLI_OK
                       : CLI_FAILED;
    cli_json_done(&json);
}

static void ask_on_frame(void *ctx, const struct link_frame *frame)
{
    struct ask *ask = ctx;
    struct link_control_answer in = {0};
    if (frame->number != LINK_CONTROL_ANSWER ||
        link_get_control_answer(frame->body, &in) != FP_OK) {
        return;
    }
    ask->answered = true;
    if (in.error != FP_OK) {
        struct cli_trouble trouble = {fp_error_known(in.error) ? (enum fp_error)in.error
                                                               : FP_E_INTERNAL,
                                      in.detail, in.errors, NULL};
        ask->out->exit = cli_trouble_tell(ask->cli, &trouble);
        return;
    }
    cli_answer_take(ask->out, in.body);
}

// Waits until the descriptor is ready; false when the time is over.
static bool ask_wait(int fd, bool writing, uint64_t end_ns)
{
    struct pollfd one = {fd, (short)(POLLIN | (writing ? POLLOUT : 0)), 0};
    uint64_t now = clock_monotonic_ns();
    return now < end_ns && poll(&one, 1, (int)((end_ns - now) / 1000000) + 1) > 0;
}

static enum fp_error ask_exchange(struct ask *ask, struct link *link)
{
    uint64_t end = clock_monotonic_ns() + (uint64_t)ASK_PATIENCE_MS * 1000000;
    enum fp_error error = FP_OK;
    while (!ask->answered) {
        error = link_flush(link);
        if (error != FP_OK && error != FP_E_AGAIN) {
            return error;
        }
        do {
            error = link_read(link, ask_on_frame, ask);
        } while (error == FP_OK);
        if (ask->answered) {
            break;
        }
        if (error != FP_E_AGAIN) {
            return error;
        }
        if (!ask_wait(link_fd(link), link_wants_write(link), end)) {
            return FP_E_TIMEOUT;
        }
    }
    return FP_OK;
}

static void ask_server(struct ask *ask, int fd, struct bytes frame)
{
    struct link *link = link_create(fd, LINK_ROOM_CONTROL, LINK_ROOM_VAULT);
    struct fp_note note = {0};
    enum fp_error error = link == NULL ? FP_E_NO_MEMORY : FP_OK;
    if (error == FP_OK) {
        buf_append_bytes(link_out(link), frame);
        error = ask_exchange(ask, link);
    }
    if (error == FP_E_LINK_CLOSED) {
        fp_note_set(&note, "",
                    "The server closed the connection: it ends, or this user may not "
                    "give it commands.");
    }
    if (error != FP_OK) {
        ask->out->exit = cli_note_tell(ask->cli, error, &note);
    }
    link_free(link);
}

void cli_ask(const struct cli *cli, struct buf *frame, struct cli_answer *out)
{
    struct config config;
    struct ask ask = {cli, out, false};
    char path[CONFIG_CONTROL_PATH];
    struct fp_note note = {0};
    enum fp_error error = FP_OK;
    int fd = -1;
    *out = (struct cli_answer){.exit = CLI_FAILED};
    buf_init_sensitive(&out->data, FP_LIMIT_LINK_FRAME);
    if (buf_error(frame) != FP_OK || frame->len == 0) {
        out->exit = cli_usage_error("A value is longer than the server takes.");
        buf_done(frame);
        return;
    }
    out->exit = cli_load_config(cli, &config);
    if (out->exit == CLI_OK) {
        config_control_path(&config, path);
        error = local_socket_connect(path, &fd);
        if (error == FP_OK) {
            ask_server(&ask, fd, buf_bytes(frame));
        } else if (error == FP_E_NOT_RUNNING) {
            cli_ask_offline(cli, &config, buf_bytes(frame), out);
        } else {
            fp_note_set(&note, "data_dir", "%.200s cannot be reached: %m.", path);
            out->exit = cli_note_tell(cli, error, &note);
        }
    }
    buf_done(frame);
}
