// fishplate token issue, list, revoke.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "link/link.h"

#define TOKEN_LIFE_MAX 3153600000u // 100 years, in seconds

static const struct cli_column token_columns[] = {
    {"ID", "id"},
    {"KIND", "kind"},
    {"STATUS", "status"},
    {"SCOPES", "scopes"},
    {"CREATED", "created_at"},
    {"EXPIRES", "expires_at"},
    {"LAST USED", "last_used_at"},
    {.title = NULL},
};
static const struct cli_column token_issued[] = {
    {"token", "access_token"}, {"id", "id"},    {"owner", "owner"}, {"scopes", "scopes"},
    {"expires", "expires_at"}, {.title = NULL},
};

enum cli_exit cli_token_issue(const struct cli *cli)
{
    const char *life = cli_value(cli, "expires-in");
    struct link_token_issue question = {.call = 1,
                                        .actor = cli_actor(),
                                        .owner = bytes_of_text(cli->arguments[0]),
                                        .scopes = bytes_of_text(cli_value(cli, "scopes"))};
    struct buf frame;
    struct cli_answer answer;
    uint64_t seconds = 0;
    enum cli_exit result = CLI_OK;
    if (life != NULL &&
        (!bytes_to_u64(bytes_of_text(life), TOKEN_LIFE_MAX, &seconds) || seconds == 0)) {
        return cli_usage_error("--expires-in takes a number of seconds, at least 1.");
    }
    question.expires_in_s = (uint32_t)seconds;
    frame = cli_question();
    if (link_put_token_issue(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), token_issued);
        if (!cli->json) {
            puts("\nThe token is shown this once: keep it now.");
        }
    }
    cli_answer_done(&answer);
    return result;
}

enum cli_exit cli_token_list(const struct cli *cli)
{
    struct link_token_list question = {
        .call = 1, .actor = cli_actor(), .owner = bytes_of_text(cli->arguments[0])};
    struct buf frame = cli_question();
    struct cli_answer answer;
    enum cli_exit result = CLI_OK;
    if (link_put_token_list(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_table(cli, buf_bytes(&answer.data), token_columns);
    }
    cli_answer_done(&answer);
    return result;
}

enum cli_exit cli_token_revoke(const struct cli *cli)
{
    struct link_token_revoke question = {
        .call = 1, .actor = cli_actor(), .token = bytes_of_text(cli->arguments[0])};
    struct buf frame;
    struct cli_answer answer;
    enum cli_exit result = CLI_OK;
    if (!cli_confirm(cli, "Revoking a token", "revoke")) {
        return CLI_USAGE;
    }
    frame = cli_question();
    if (link_put_token_revoke(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK && cli->json) {
        result = cli_print_object(cli, buf_bytes(&answer.data), token_columns);
    } else if (result == CLI_OK) {
        printf("Token %s is revoked: the very next request with it is refused.\n",
               cli->arguments[0]);
    }
    cli_answer_done(&answer);
    return result;
}
