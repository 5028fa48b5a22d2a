// fishplate connection link: a connect link for a customer.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "base/limits.h"
#include "link/link.h"

static const struct cli_column link_lines[] = {
    {"link", "url"},           {"id", "id"},    {"name", "name"}, {"email", "email"},
    {"expires", "expires_at"}, {.title = NULL},
};

enum cli_exit cli_connection_link(const struct cli *cli)
{
    const char *life = cli_value(cli, "expires-in");
    struct link_connect_link_add question = {
        .call = 1,
        .actor = cli_actor(),
        .application = bytes_of_text(cli_value(cli, "app")),
        .name = bytes_of_text(cli_value(cli, "name")),
        .email = bytes_of_text(cli_value(cli, "email")),
        .platforms = bytes_of_text(cli_value(cli, "platforms")),
        .connection = bytes_of_text(cli_value(cli, "connection")),
        .return_url = bytes_of_text(cli_value(cli, "return-url")),
    };
    struct buf frame;
    struct cli_answer answer = {0};
    uint64_t seconds = 0;
    enum cli_exit result = CLI_OK;
    if (life != NULL &&
        (!bytes_to_u64(bytes_of_text(life), FP_LIMIT_CONNECT_LINK_EXPIRY_MAX, &seconds) ||
         seconds == 0)) {
        return cli_usage_error("--expires-in takes a number of seconds from 1 to 2592000.");
    }
    question.expires_in_s = (uint32_t)seconds;
    frame = cli_question();
    if (link_put_connect_link_add(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), link_lines);
        if (!cli->json) {
            puts("\nThe link is shown this once: send it to the customer now.");
        }
    }
    cli_answer_done(&answer);
    return result;
}
