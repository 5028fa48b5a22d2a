// fishplate unseal, fishplate seal: the passphrase to the running server, and its keys out of
// memory. SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/json_memory.h"
#include "cli/passphrase.h"

#include "base/limits.h"
#include "link/link.h"

// Sends the question; prints what came.
static enum cli_exit seal_ask(const struct cli *cli, struct buf *frame, const char *done,
                              const char *was)
{
    struct cli_answer answer = {0};
    struct cli_json json = {0};
    enum cli_exit result = CLI_OK;
    cli_ask(cli, frame, &answer);
    result = answer.exit;
    if (result == CLI_OK && cli->json) {
        fwrite(answer.data.ptr, 1, answer.data.len, stdout);
        putchar('\n');
    } else if (result == CLI_OK && cli_json_read(buf_bytes(&answer.data), &json) == FP_OK) {
        puts(yyjson_get_bool(yyjson_obj_get(json.root, "already")) ? was : done);
        cli_json_done(&json);
    }
    cli_answer_done(&answer);
    return result;
}

// The key's file is needed only where a token has to unwrap it.
static enum fp_error seal_read(const struct cli *cli, const struct config *config,
                               struct buf *passphrase, struct fp_note *note)
{
    const struct master_source *source = master_source_find(config->key_source);
    const struct passphrase_ask ask = {cli->passphrase_file, passphrase_prompt(source), false};
    struct passphrase_master reached = {.fd = -1};
    enum fp_error error = FP_OK;
    if (source == NULL || source->asks != MASTER_ASKS_TOKEN) {
        return passphrase_read(&ask, passphrase, note);
    }
    error = passphrase_master_reach(cli, config, &reached, note);
    if (error == FP_OK) {
        buf_append_bytes(passphrase, buf_bytes(&reached.passphrase));
        error = buf_error(passphrase);
    }
    passphrase_master_done(&reached);
    return error;
}

enum cli_exit cli_unseal(const struct cli *cli)
{
    struct config config;
    struct link_unseal question = {.call = 1, .actor = cli_actor()};
    struct buf frame = cli_question(), passphrase;
    struct fp_note note = {0};
    enum cli_exit result = cli_load_config(cli, &config);
    enum fp_error error = FP_OK;
    if (result != CLI_OK) {
        buf_done(&frame);
        return result;
    }
    buf_init_sensitive(&passphrase, FP_LIMIT_PASSPHRASE_MAX);
    error = seal_read(cli, &config, &passphrase, &note);
    if (error == FP_OK) {
        question.passphrase = buf_bytes(&passphrase);
        error = link_put_unseal(&frame, &question);
    }
    buf_done(&passphrase);
    if (error != FP_OK) {
        buf_done(&frame);
        return cli_note_tell(cli, error, &note);
    }
    return seal_ask(cli, &frame, "The server is unsealed.", "The server was not sealed.");
}

enum cli_exit cli_seal(const struct cli *cli)
{
    struct link_seal question = {.call = 1, .actor = cli_actor()};
    struct buf frame = cli_question();
    if (link_put_seal(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    return seal_ask(cli, &frame, "The server is sealed: fishplate unseal opens it again.",
                    "The server was sealed already.");
}
