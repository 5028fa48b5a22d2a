// fishplate key rotate for a server that runs: the new key's file is made here, its text goes over
// the control socket, the server wraps the data keys anew, then the files change places. Stopped in
// between, the server starts with both files, and this command goes on.
// SPDX-License-Identifier: Apache-2.0
#include "cli/json_memory.h"
#include "cli/key_files.h"
#include "cli/progress.h"

#include "base/limits.h"
#include "crypto/setup.h"
#include "link/link.h"

#include <string.h>
#include <unistd.h>

static const struct cli_column online_lines[] = {
    {"master key", "master_key"}, {"data keys", "keys"}, {"rewrapped", "rewrapped"},
    {"old key", "old_key_file"},  {.title = NULL},
};

// What an answer says.
struct online {
    char state[16];               // "under_way"
    char master_key[KEY_ID_TEXT]; // the new one
    uint64_t done, total;         // data keys
    uint64_t rewrapped;           // of them
    enum fp_error why;            // "failed"
};

static bool online_read(struct bytes data, struct online *out)
{
    struct cli_json json = {0};
    const char *state = NULL, *key = NULL;
    uint64_t why = 0;
    bool good = cli_json_read(data, &json) == FP_OK;
    if (good) {
        state = yyjson_get_str(yyjson_obj_get(json.root, "state"));
        key = yyjson_get_str(yyjson_obj_get(json.root, "master_key"));
        why = yyjson_get_uint(yyjson_obj_get(json.root, "error"));
        snprintf(out->state, sizeof out->state, "%s", state != NULL ? state : "");
        snprintf(out->master_key, sizeof out->master_key, "%s", key != NULL ? key : "");
        out->done = yyjson_get_uint(yyjson_obj_get(json.root, "keys_done"));
        out->total = yyjson_get_uint(yyjson_obj_get(json.root, "keys"));
        out->rewrapped = yyjson_get_uint(yyjson_obj_get(json.root, "rewrapped"));
        out->why = why != 0 && fp_error_known(why) ? (enum fp_error)why : FP_E_INTERNAL;
    }
    cli_json_done(&json);
    return good && state != NULL;
}

// key: text of the new one; empty: how far is it? A failure was told.
static enum cli_exit online_ask(const struct cli *cli, struct bytes key, struct online *out)
{
    struct link_master_rotate start = {.call = 1, .actor = cli_actor(), .key = key};
    struct link_key_rotation look = {.call = 1, .actor = cli_actor()};
    struct cli_answer answer = {0};
    struct buf frame = cli_question();
    enum cli_exit result = CLI_OK;
    enum fp_error error = key.len != 0 ? link_put_master_rotate(&frame, &start)
                                       : link_put_key_rotation(&frame, &look);
    if (error != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK && !online_read(buf_bytes(&answer.data), out)) {
        result = CLI_FAILED;
    }
    cli_answer_done(&answer);
    return result;
}

static enum cli_exit online_run(const struct cli *cli, struct bytes key, struct online *out)
{
    struct progress bar = {.title = "data keys"};
    enum cli_exit result = online_ask(cli, key, out);
    while (result == CLI_OK && strcmp(out->state, "under_way") == 0) {
        progress_show(&bar, out->done, out->total);
        progress_wait();
        result = online_ask(cli, (struct bytes){0}, out);
    }
    progress_done(&bar);
    if (result == CLI_OK && strcmp(out->state, "failed") == 0) {
        return cli_note_tell(cli, out->why, NULL);
    }
    if (result == CLI_OK && strcmp(out->state, "done") != 0) {
        fputs("fishplate: the rotation was interrupted: call this again.\n", stderr);
        return CLI_FAILED;
    }
    return result;
}

static enum cli_exit online_tell(const struct cli *cli, const struct online *online,
                                 const char *kept)
{
    struct buf text;
    struct json_out j;
    enum cli_exit result = CLI_OK;
    buf_init(&text, 4096);
    j = json_out_start(&text);
    json_begin_object(&j);
    json_member_text_c(&j, "master_key", online->master_key);
    json_member_i64(&j, "keys", (int64_t)online->total);
    json_member_i64(&j, "rewrapped", (int64_t)online->rewrapped);
    json_member_text_c(&j, "old_key_file", kept);
    json_end_object(&j);
    result = cli_print_object(cli, buf_bytes(&text), online_lines);
    buf_done(&text);
    return result;
}

// The text of the new key, and the number of the one in use.
static enum fp_error online_files(const struct config *config, struct key_files *files,
                                  struct secret *text, struct key_id *old, struct fp_note *note)
{
    const struct master_source *source = master_source_find("file");
    struct master_key *key = NULL;
    struct buf none;
    enum fp_error error = key_files_open(config, files, note);
    buf_init(&none, 1);
    error = error != FP_OK ? error : key_files_make(config, files, source, &none, note);
    error = error != FP_OK ? error : master_source_read(source, files->new_fd, text, note);
    error = error != FP_OK ? error : master_source_open(source, files->old_fd, NULL, &key, note);
    if (error == FP_OK) {
        *old = *master_id(key);
    }
    master_free(key);
    buf_done(&none);
    return error;
}

enum cli_exit key_rotate_online(const struct cli *cli, const struct config *config)
{
    struct key_files files = {.dir_fd = -1, .old_fd = -1, .new_fd = -1};
    char kept[KEY_NAME + KEY_ID_TEXT], old_text[KEY_ID_TEXT];
    struct online online = {0};
    struct secret text = {0};
    struct key_id old;
    struct fp_note note = {0};
    enum cli_exit result = CLI_OK;
    enum fp_error error = crypto_setup();
    error = error != FP_OK ? error : online_files(config, &files, &text, &old, &note);
    if (error == FP_OK) {
        result = online_run(cli, secret_bytes(&text), &online);
    }
    if (error == FP_OK && result == CLI_OK) {
        key_id_text(&old, old_text);
        snprintf(kept, sizeof kept, "%.255s.%.32s", files.name, old_text);
        error = key_files_swap(&files, kept, &note);
    }
    if (error != FP_OK) {
        result = cli_note_tell(cli, error, &note);
    } else if (result == CLI_OK) {
        result = online_tell(cli, &online, kept);
    }
    secret_done(&text);
    key_files_close(&files);
    return result;
}
