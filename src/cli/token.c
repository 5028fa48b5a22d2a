// fishplate token issue, list, rotate, revoke.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "base/limits.h"
#include "link/link.h"

#define TOKEN_OVERLAP  86400u      // a day, in seconds
#define TOKEN_LIFE_MAX 3153600000u // 100 years, in seconds

static const struct cli_column token_columns[] = {
    {"ID", "id"},
    {"KIND", "kind"},
    {"STATUS", "status"},
    {"SCOPES", "scopes"},
    {"BOUND TO", "binding"},
    {"WORKS FROM", "addresses"},
    {"CREATED", "created_at"},
    {"EXPIRES", "expires_at"},
    {"LAST USED", "last_used_at"},
    {.title = NULL},
};
static const struct cli_column token_issued[] = {
    {"token", "access_token"}, {"id", "id"},
    {"owner", "owner"},        {"scopes", "scopes"},
    {"bound to", "binding"},   {"works from", "addresses"},
    {"expires", "expires_at"}, {.title = NULL},
};

static const struct cli_column token_rotated[] = {
    {"token", "access_token"},
    {"id", "id"},
    {"owner", "owner"},
    {"scopes", "scopes"},
    {"expires", "expires_at"},
    {"replaces", "replaces"},
    {"which works until", "replaces_until"},
    {.title = NULL},
};
static const struct cli_column token_ended[] = {
    {"owner", "id"},
    {"tokens revoked", "revoked"},
    {.title = NULL},
};

enum cli_exit cli_token_issue(const struct cli *cli)
{
    const char *life = cli_value(cli, "expires-in");
    struct link_token_issue question = {.call = 1,
                                        .actor = cli_actor(),
                                        .owner = bytes_of_text(cli->arguments[0]),
                                        .scopes = bytes_of_text(cli_value(cli, "scopes")),
                                        .binding = bytes_of_text(cli_value(cli, "bind")),
                                        .addresses = bytes_of_text(cli_value(cli, "from"))};
    struct buf frame;
    struct cli_answer answer = {0};
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
    struct cli_answer answer = {0};
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

enum cli_exit cli_token_rotate(const struct cli *cli)
{
    const char *overlap = cli_value(cli, "overlap");
    struct link_token_rotate question = {
        .call = 1, .actor = cli_actor(), .token = bytes_of_text(cli->arguments[0])};
    struct buf frame;
    struct cli_answer answer = {0};
    uint64_t seconds = TOKEN_OVERLAP;
    enum cli_exit result = CLI_OK;
    if (overlap != NULL &&
        !bytes_to_u64(bytes_of_text(overlap), FP_LIMIT_ROTATE_OVERLAP, &seconds)) {
        return cli_usage_error("--overlap takes a number of seconds, at most 90 days.");
    }
    question.overlap_s = (uint32_t)seconds;
    frame = cli_question();
    if (link_put_token_rotate(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), token_rotated);
        if (!cli->json) {
            puts("\nThe token is shown this once: keep it now.");
        }
    }
    cli_answer_done(&answer);
    return result;
}

// A token's row, or for a connection or application how many of its tokens ended.
static enum cli_exit token_print_revoked(const struct cli *cli, struct bytes data)
{
    bool one = bytes_starts_with(bytes_of_text(cli->arguments[0]), BYTES("tok_"));
    if (cli->json || !one) {
        return cli_print_object(cli, data, one ? token_columns : token_ended);
    }
    printf("Token %s is revoked: the very next request with it is refused.\n", cli->arguments[0]);
    return CLI_OK;
}

enum cli_exit cli_token_revoke(const struct cli *cli)
{
    struct link_token_revoke question = {
        .call = 1, .actor = cli_actor(), .token = bytes_of_text(cli->arguments[0])};
    struct buf frame;
    struct cli_answer answer = {0};
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
    if (result == CLI_OK) {
        result = token_print_revoked(cli, buf_bytes(&answer.data));
    }
    cli_answer_done(&answer);
    return result;
}
