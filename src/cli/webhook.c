// fishplate webhook create, list, delete, test, deliveries, redeliver.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "base/limits.h"
#include "link/link.h"

static const struct cli_column webhook_made[] = {
    {"id", "id"}, {"url", "url"}, {"status", "status"}, {"secret", "secret"}, {.title = NULL},
};
static const struct cli_column webhook_columns[] = {
    {"ID", "id"},         {"APPLICATION", "client_id"}, {"URL", "url"},
    {"STATUS", "status"}, {"REASON", "status_reason"},  {"WAITING", "waiting"},
    {.title = NULL},
};
static const struct cli_column delivery_columns[] = {
    {"ID", "id"},
    {"EVENT", "event"},
    {"CONNECTION", "connection"},
    {"STATUS", "status"},
    {"ATTEMPTS", "attempts"},
    {"CREATED", "created_at"},
    {"NEXT ATTEMPT", "next_attempt_at"},
    {.title = NULL},
};

enum cli_exit cli_webhook_create(const struct cli *cli)
{
    struct link_webhook_add question = {.call = 1,
                                        .actor = cli_actor(),
                                        .application = bytes_of_text(cli_value(cli, "app")),
                                        .url = bytes_of_text(cli_value(cli, "url")),
                                        .events = bytes_of_text(cli_value(cli, "events"))};
    struct buf frame = cli_question();
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (link_put_webhook_add(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), webhook_made);
        if (!cli->json) {
            puts("\nThe secret is shown this once: keep it now.");
        }
    }
    cli_answer_done(&answer);
    return result;
}

static enum fp_error webhook_page(const struct cli *cli, struct bytes after, struct buf *frame)
{
    struct link_webhook_list question = {.call = 1,
                                         .actor = cli_actor(),
                                         .application = bytes_of_text(cli_value(cli, "app")),
                                         .after = after};
    return link_put_webhook_list(frame, &question);
}

enum cli_exit cli_webhook_list(const struct cli *cli)
{
    return cli_print_pages(cli, webhook_page, webhook_columns);
}

enum cli_exit cli_webhook_delete(const struct cli *cli)
{
    struct link_webhook_delete question = {
        .call = 1, .actor = cli_actor(), .webhook = bytes_of_text(cli->arguments[0])};
    struct buf frame;
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (!cli_confirm(cli, "Deleting a webhook", "delete")) {
        return CLI_USAGE;
    }
    frame = cli_question();
    if (link_put_webhook_delete(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), webhook_made);
    }
    cli_answer_done(&answer);
    return result;
}

static enum cli_exit webhook_print_delivery(const struct cli *cli, struct buf *frame)
{
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    cli_ask(cli, frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), delivery_columns);
    }
    cli_answer_done(&answer);
    return result;
}

enum cli_exit cli_webhook_test(const struct cli *cli)
{
    struct link_webhook_test question = {
        .call = 1, .actor = cli_actor(), .webhook = bytes_of_text(cli->arguments[0])};
    struct buf frame = cli_question();
    if (link_put_webhook_test(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    return webhook_print_delivery(cli, &frame);
}

enum cli_exit cli_webhook_redeliver(const struct cli *cli)
{
    struct link_webhook_redeliver question = {
        .call = 1, .actor = cli_actor(), .delivery = bytes_of_text(cli->arguments[0])};
    struct buf frame = cli_question();
    if (link_put_webhook_redeliver(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    return webhook_print_delivery(cli, &frame);
}

enum cli_exit cli_webhook_deliveries(const struct cli *cli)
{
    struct link_webhook_deliveries question = {
        .call = 1, .actor = cli_actor(), .webhook = bytes_of_text(cli->arguments[0])};
    struct buf frame = cli_question();
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (link_put_webhook_deliveries(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_table(cli, buf_bytes(&answer.data), delivery_columns);
    }
    cli_answer_done(&answer);
    return result;
}
