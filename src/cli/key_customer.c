// fishplate key rotate --customer: asks for a new data key and looks on until it is done.
// SPDX-License-Identifier: Apache-2.0
#include "cli/json_memory.h"
#include "cli/key_files.h"
#include "cli/progress.h"

#include "base/limits.h"
#include "link/link.h"

#include <string.h>

#define LOOKS_INTERRUPTED 10 // a server that was started anew takes it up by itself

static const struct cli_column customer_key_lines[] = {
    {"customer", "customer"},
    {"key version", "version"},
    {"state", "state"},
    {"connections", "connections"},
    {"records sealed anew", "resealed"},
    {"records that no key opens", "unopened"},
    {.title = NULL},
};

// What an answer says.
struct customer_key {
    char state[16];    // "under_way"
    uint64_t version;  // of the new key
    uint64_t done;     // connections
    uint64_t total;    // of them
    enum fp_error why; // "failed"
};

static bool customer_key_read(struct bytes data, struct customer_key *out)
{
    struct cli_json json = {0};
    const char *state = NULL;
    uint64_t why = 0;
    bool good = cli_json_read(data, &json) == FP_OK;
    if (good) {
        state = yyjson_get_str(yyjson_obj_get(json.root, "state"));
        why = yyjson_get_uint(yyjson_obj_get(json.root, "error"));
        snprintf(out->state, sizeof out->state, "%s", state != NULL ? state : "");
        out->version = yyjson_get_uint(yyjson_obj_get(json.root, "version"));
        out->done = yyjson_get_uint(yyjson_obj_get(json.root, "connections_done"));
        out->total = yyjson_get_uint(yyjson_obj_get(json.root, "connections"));
        out->why = why != 0 && fp_error_known(why) ? (enum fp_error)why : FP_E_INTERNAL;
    }
    cli_json_done(&json);
    return good && state != NULL;
}

// One question; a failure was told.
static enum cli_exit customer_key_ask(const struct cli *cli, bool look, struct cli_answer *answer,
                                      struct customer_key *out)
{
    struct bytes customer = bytes_of_text(cli_value(cli, "customer"));
    struct link_key_rotate start = {.call = 1, .actor = cli_actor(), .customer = customer};
    struct link_key_rotation again = {.call = 1, .actor = cli_actor(), .customer = customer};
    struct buf frame = cli_question();
    enum fp_error error =
        look ? link_put_key_rotation(&frame, &again) : link_put_key_rotate(&frame, &start);
    if (error != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, answer);
    if (answer->exit == CLI_OK && !customer_key_read(buf_bytes(&answer->data), out)) {
        answer->exit = CLI_FAILED;
    }
    return answer->exit;
}

static enum cli_exit customer_key_end(const struct cli *cli, const struct cli_answer *answer,
                                      const struct customer_key *key, uint64_t version)
{
    if (strcmp(key->state, "failed") == 0) {
        return cli_note_tell(cli, key->why, NULL);
    }
    if (strcmp(key->state, "interrupted") == 0 || key->version != version) {
        fputs("fishplate: the rotation was interrupted. The server goes on with it when it runs; "
              "calling this again does, too.\n",
              stderr);
        return CLI_FAILED;
    }
    return cli_print_object(cli, buf_bytes(&answer->data), customer_key_lines);
}

enum cli_exit key_rotate_customer(const struct cli *cli)
{
    struct progress bar = {.title = "connections"};
    struct cli_answer answer = {0};
    struct customer_key key = {0};
    unsigned interrupted = 0;
    enum cli_exit result = CLI_OK;
    uint64_t version = 0;
    if (cli_value(cli, "to-source") != NULL || cli_value(cli, "new-passphrase-file") != NULL) {
        return cli_usage_error("--customer makes a data key: the other options do not apply.");
    }
    result = customer_key_ask(cli, false, &answer, &key);
    version = key.version;
    while (result == CLI_OK &&
           (strcmp(key.state, "under_way") == 0 ||
            (strcmp(key.state, "interrupted") == 0 && ++interrupted < LOOKS_INTERRUPTED))) {
        progress_show(&bar, key.done, key.total);
        progress_wait();
        cli_answer_done(&answer);
        result = customer_key_ask(cli, true, &answer, &key);
    }
    progress_done(&bar);
    if (result == CLI_OK) {
        result = customer_key_end(cli, &answer, &key, version);
    }
    cli_answer_done(&answer);
    return result;
}
