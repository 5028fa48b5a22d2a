// fishplate connection create, reconnect, list, show, delete: customers' systems.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/credentials.h"

#include "link/link.h"

static const struct cli_column connection_columns[] = {
    {"ID", "key"},
    {"NAME", "name"},
    {"PLATFORM", "integration_name"},
    {"STATUS", "status"},
    {"REASON", "status_reason"},
    {"SINCE", "status_since"},
    {"LAST USED", "last_used_at"},
    {"APPLICATION", "client_id"},
    {.title = NULL},
};
static const struct cli_column connection_lines[] = {
    {"connection", "key"},
    {"name", "name"},
    {"email", "email"},
    {"platform", "integration_name"},
    {"account", "account"},
    {"status", "status"},
    {"reason", "status_reason"},
    {"since", "status_since"},
    {"networks", "networks"},
    {"application", "client_id"},
    {"customer", "customer"},
    {"credential version", "credential_version"},
    {"last used", "last_used_at"},
    {"created", "created_at"},
    {.title = NULL},
};
static const struct cli_column connection_created[] = {
    {"connection", "key"},  {"token", "access_token"}, {"expires in", "expires_in"},
    {"account", "account"}, {.title = NULL},
};

// Asks the server to try the credentials and to keep them; prints the token.
static enum cli_exit connection_connect(const struct cli *cli, struct link_connection_add *question)
{
    struct buf frame, credentials;
    struct cli_answer answer = {0};
    enum cli_exit result = credentials_read(cli, &credentials);
    if (result != CLI_OK) {
        return result;
    }
    question->credentials = buf_bytes(&credentials);
    frame = cli_question();
    if (link_put_connection_add(&frame, question) != FP_OK) {
        buf_clear(&frame);
    }
    buf_done(&credentials);
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), connection_created);
        if (!cli->json) {
            puts("\nThe token is shown this once: keep it now.");
        }
    } else if (result == CLI_NOT_RUNNING && !cli->json) {
        fputs("Credentials are tried at the source before they are stored.\n", stderr);
    }
    cli_answer_done(&answer);
    return result;
}

enum cli_exit cli_connection_create(const struct cli *cli)
{
    struct link_connection_add question = {
        .call = 1,
        .actor = cli_actor(),
        .application = bytes_of_text(cli_value(cli, "app")),
        .name = bytes_of_text(cli_value(cli, "name")),
        .email = bytes_of_text(cli_value(cli, "email")),
        .platform = bytes_of_text(cli_value(cli, "platform")),
        .networks = bytes_of_text(cli_value(cli, "networks")),
    };
    return connection_connect(cli, &question);
}

enum cli_exit cli_connection_reconnect(const struct cli *cli)
{
    struct link_connection_add question = {
        .call = 1,
        .actor = cli_actor(),
        .networks = bytes_of_text(cli_value(cli, "networks")),
        .connection = bytes_of_text(cli->arguments[0]),
    };
    return connection_connect(cli, &question);
}

static enum fp_error connection_page(const struct cli *cli, struct bytes after, struct buf *frame)
{
    struct link_connection_list question = {.call = 1,
                                            .actor = cli_actor(),
                                            .application = bytes_of_text(cli_value(cli, "app")),
                                            .after = after};
    return link_put_connection_list(frame, &question);
}

enum cli_exit cli_connection_list(const struct cli *cli)
{
    return cli_print_pages(cli, connection_page, connection_columns);
}

enum cli_exit cli_connection_show(const struct cli *cli)
{
    struct link_connection_show question = {
        .call = 1, .actor = cli_actor(), .connection = bytes_of_text(cli->arguments[0])};
    struct buf frame = cli_question();
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (link_put_connection_show(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), connection_lines);
    }
    cli_answer_done(&answer);
    return result;
}

enum cli_exit cli_connection_delete(const struct cli *cli)
{
    struct link_connection_delete question = {
        .call = 1, .actor = cli_actor(), .connection = bytes_of_text(cli->arguments[0])};
    struct buf frame;
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (cli_value(cli, "dry-run") != NULL) {
        result = cli_connection_show(cli);
        if (result == CLI_OK && !cli->json) {
            puts("\nIt would be disconnected, its credentials destroyed. Nothing was changed.");
        }
        return result;
    }
    if (!cli_confirm(cli, "Disconnecting and destroying the credentials", "disconnect")) {
        return CLI_USAGE;
    }
    frame = cli_question();
    if (link_put_connection_delete(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK && cli->json) {
        result = cli_print_object(cli, buf_bytes(&answer.data), connection_lines);
    } else if (result == CLI_OK) {
        printf("Connection %s is disconnected: its tokens are dead, its credentials destroyed.\n",
               cli->arguments[0]);
    }
    cli_answer_done(&answer);
    return result;
}
