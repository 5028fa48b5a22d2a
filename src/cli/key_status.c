// fishplate key status: the data keys with their ages and counts. The ids stand in --json: they are
// too wide for a table.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "link/link.h"

static const struct cli_column key_status_columns[] = {
    {"CUSTOMER", "customer"},  {"VER", "version"}, {"STATE", "state"},
    {"CREATED", "created_at"}, {"DUE", "due_at"},  {"COUNT", "encryptions"},
    {"DUE BY", "due"},         {.title = NULL},
};

// One page behind the given place; its rows without the brackets go to out.
static enum cli_exit key_status_page(const struct cli *cli, char after[static 64], struct buf *out)
{
    struct link_key_status question = {
        .call = 1, .actor = cli_actor(), .after = bytes_of_text(after)};
    struct buf frame = cli_question();
    struct cli_answer answer = {0};
    struct bytes rows = {0};
    enum cli_exit result = CLI_OK;
    if (link_put_key_status(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    rows = buf_bytes(&answer.data);
    if (result == CLI_OK && rows.len > 2) {
        if (out->len > 1) {
            buf_append_byte(out, ',');
        }
        buf_append_bytes(out, bytes_slice(rows, 1, rows.len - 2));
    }
    snprintf(after, 64, "%s", answer.next);
    cli_answer_done(&answer);
    return result == CLI_OK && buf_error(out) != FP_OK ? CLI_FAILED : result;
}

enum cli_exit cli_key_status(const struct cli *cli)
{
    struct buf rows;
    char after[64] = "";
    enum cli_exit result = CLI_OK;
    buf_init(&rows, (size_t)1 << 30);
    buf_append_byte(&rows, '[');
    do {
        result = key_status_page(cli, after, &rows);
    } while (result == CLI_OK && after[0] != '\0');
    buf_append_byte(&rows, ']');
    if (result == CLI_OK) {
        result = cli_print_table(cli, buf_bytes(&rows), key_status_columns);
    }
    buf_done(&rows);
    return result;
}
