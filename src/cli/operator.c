// fishplate operator invite, list, disable: who may use the dashboard.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/json_memory.h"

#include "link/link.h"

static const struct cli_column operator_columns[] = {
    {"ID", "id"},
    {"EMAIL", "email"},
    {"NAME", "name"},
    {"ROLE", "role"},
    {"STATE", "state"},
    {"SECOND FACTOR", "second_factor"},
    {"SIGNED IN", "signed_in_at"},
    {.title = NULL},
};
static const struct cli_column operator_lines[] = {
    {"operator", "id"},          {"email", "email"}, {"role", "role"},
    {"state", "state"},          {"link", "url"},    {"works until", "expires_at"},
    {"disabled", "disabled_at"}, {.title = NULL},
};

static enum cli_exit operator_ask(const struct cli *cli, struct buf *frame,
                                  const struct cli_column *columns, bool table)
{
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    cli_ask(cli, frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = table ? cli_print_table(cli, buf_bytes(&answer.data), columns)
                       : cli_print_object(cli, buf_bytes(&answer.data), columns);
    }
    cli_answer_done(&answer);
    return result;
}

enum cli_exit cli_operator_invite(const struct cli *cli)
{
    const char *role = cli_value(cli, "role");
    struct link_operator_invite question = {.call = 1,
                                            .actor = cli_actor(),
                                            .email = bytes_of_text(cli_value(cli, "email")),
                                            .role = bytes_of_text(role != NULL ? role : "owner")};
    struct buf frame = cli_question();
    enum cli_exit result = CLI_OK;
    if (link_put_operator_invite(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    result = operator_ask(cli, &frame, operator_lines, false);
    if (result == CLI_OK && !cli->json) {
        puts("\nSend the link to this person alone: whoever opens it first uses it.");
    }
    return result;
}

enum cli_exit cli_operator_list(const struct cli *cli)
{
    struct link_operator_list question = {.call = 1, .actor = cli_actor()};
    struct buf frame = cli_question();
    if (link_put_operator_list(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    return operator_ask(cli, &frame, operator_columns, true);
}

enum cli_exit cli_operator_disable(const struct cli *cli)
{
    struct link_operator_disable question = {
        .call = 1, .actor = cli_actor(), .operator= bytes_of_text(cli->arguments[0])};
    struct buf frame;
    if (!cli_confirm(cli, "Disabling an operator, whose sessions end at once", "disable")) {
        return CLI_USAGE;
    }
    frame = cli_question();
    if (link_put_operator_disable(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    return operator_ask(cli, &frame, operator_lines, false);
}
