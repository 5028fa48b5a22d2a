// fishplate app create, list, delete: the applications that call the API.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/json_memory.h"

#include "link/link.h"

#include <string.h>

static const struct cli_column app_columns[] = {
    {"ID", "id"},
    {"NAME", "name"},
    {"ENVIRONMENT", "environment"},
    {"NETWORKS", "networks"},
    {"CONNECTIONS", "connections"},
    {"CREATED", "created_at"},
    {.title = NULL},
};
static const struct cli_column app_updated[] = {
    {"application", "id"},
    {"name", "name"},
    {"redirect_uris", "redirect_uris"},
    {"pkce", "pkce"},
    {"access_seconds", "access_seconds"},
    {"refresh_seconds", "refresh_seconds"},
    {.title = NULL},
};
static const struct cli_column app_created[] = {
    {"application", "id"},
    {"name", "name"},
    {"environment", "environment"},
    {"networks", "networks"},
    {"redirect_uris", "redirect_uris"},
    {"client_id", "client_id"},
    {"client_secret", "client_secret"},
    {.title = NULL},
};

// How an application takes part in OAuth, as the options say it.
struct app_oauth {
    unsigned changes;      // enum application_change of the registry: 1, 2, 4, 8 in order of fields
    struct bytes uris;     // with blanks
    uint64_t access_s;     // seconds
    uint64_t refresh_s;    // seconds
    uint8_t pkce_optional; // 1: optional
};

// NULL, or what is wrong with the options.
static const char *app_oauth_options(const struct cli *cli, struct app_oauth *out)
{
    const char *uris = cli_value(cli, "redirect-uris"), *pkce = cli_value(cli, "pkce");
    const char *access = cli_value(cli, "access-seconds");
    const char *refresh = cli_value(cli, "refresh-seconds");
    if (access != NULL && !bytes_to_u64(bytes_of_text(access), UINT32_MAX, &out->access_s)) {
        return "--access-seconds takes a number of seconds.";
    }
    if (refresh != NULL && !bytes_to_u64(bytes_of_text(refresh), UINT32_MAX, &out->refresh_s)) {
        return "--refresh-seconds takes a number of seconds.";
    }
    if (pkce != NULL && strcmp(pkce, "required") != 0 && strcmp(pkce, "optional") != 0) {
        return "--pkce takes required or optional.";
    }
    out->uris = bytes_of_text(uris);
    out->pkce_optional = pkce != NULL && pkce[0] == 'o' ? 1 : 0;
    out->changes = (uris != NULL ? 1u : 0u) | (access != NULL ? 2u : 0u) |
                   (refresh != NULL ? 4u : 0u) | (pkce != NULL ? 8u : 0u);
    return NULL;
}

enum cli_exit cli_app_update(const struct cli *cli)
{
    struct app_oauth oauth = {0};
    const char *wrong = app_oauth_options(cli, &oauth);
    struct link_application_update question = {
        .call = 1,
        .actor = cli_actor(),
        .application = bytes_of_text(cli->arguments[0]),
        .changes = (uint8_t)oauth.changes,
        .redirect_uris = oauth.uris,
        .access_s = (uint32_t)oauth.access_s,
        .refresh_s = (uint32_t)oauth.refresh_s,
        .pkce_optional = oauth.pkce_optional,
    };
    struct buf frame;
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (wrong != NULL || oauth.changes == 0) {
        return cli_usage_error("%s", wrong != NULL ? wrong : "Name at least one option to change.");
    }
    frame = cli_question();
    if (link_put_application_update(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), app_updated);
    }
    cli_answer_done(&answer);
    return result;
}

enum cli_exit cli_app_create(const struct cli *cli)
{
    struct app_oauth oauth = {0};
    const char *wrong = app_oauth_options(cli, &oauth);
    const char *environment = cli_value(cli, "environment");
    struct link_application_create question = {
        .call = 1,
        .actor = cli_actor(),
        .name = bytes_of_text(cli_value(cli, "name")),
        .environment = bytes_of_text(environment != NULL ? environment : "live"),
        .networks = bytes_of_text(cli_value(cli, "networks")),
        .redirect_uris = oauth.uris,
        .access_s = (uint32_t)oauth.access_s,
        .refresh_s = (uint32_t)oauth.refresh_s,
        .pkce_optional = oauth.pkce_optional,
    };
    struct buf frame;
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (wrong != NULL) {
        return cli_usage_error("%s", wrong);
    }
    frame = cli_question();
    if (link_put_application_create(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), app_created);
        if (!cli->json) {
            puts("\nThe secret is shown this once: keep it now.");
        }
    }
    cli_answer_done(&answer);
    return result;
}

static void app_ask_list(const struct cli *cli, struct cli_answer *answer)
{
    struct link_application_list question = {.call = 1, .actor = cli_actor()};
    struct buf frame = cli_question();
    if (link_put_application_list(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, answer);
}

enum cli_exit cli_app_list(const struct cli *cli)
{
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    app_ask_list(cli, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_table(cli, buf_bytes(&answer.data), app_columns);
    }
    cli_answer_done(&answer);
    return result;
}

// --dry-run: the application as it is, with the number of its connections.
static enum cli_exit app_show(const struct cli *cli)
{
    struct cli_answer answer = {0};
    struct cli_json json = {0};
    struct buf one;
    yyjson_val *row = NULL;
    size_t index = 0, max = 0;
    enum cli_exit result = CLI_OK;
    app_ask_list(cli, &answer);
    result = answer.exit;
    buf_init(&one, 65536);
    if (result == CLI_OK && cli_json_read(buf_bytes(&answer.data), &json) == FP_OK) {
        result = CLI_NOT_FOUND;
        yyjson_arr_foreach(json.root, index, max, row)
        {
            const char *id = yyjson_get_str(yyjson_obj_get(row, "id"));
            if (id != NULL && strcmp(id, cli->arguments[0]) == 0 &&
                cli_json_write(&json, row, &one) == FP_OK) {
                result = cli_print_object(cli, buf_bytes(&one), app_columns);
            }
        }
        cli_json_done(&json);
        if (result == CLI_NOT_FOUND) {
            struct fp_note none = {0};
            result = cli_note_tell(cli, FP_E_APPLICATION_NOT_FOUND, &none);
        } else if (!cli->json) {
            puts("\nIt would be deleted with all that belongs to it. Nothing was changed.");
        }
    }
    buf_done(&one);
    cli_answer_done(&answer);
    return result;
}

enum cli_exit cli_app_delete(const struct cli *cli)
{
    struct link_application_delete question = {
        .call = 1, .actor = cli_actor(), .application = bytes_of_text(cli->arguments[0])};
    struct buf frame;
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (cli_value(cli, "dry-run") != NULL) {
        return app_show(cli);
    }
    if (!cli_confirm(cli, "Deleting an application with its connections", "delete")) {
        return CLI_USAGE;
    }
    frame = cli_question();
    if (link_put_application_delete(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK && cli->json) {
        result = cli_print_object(cli, buf_bytes(&answer.data), app_columns);
    } else if (result == CLI_OK) {
        printf("Application %s is deleted, with its connections, tokens and credentials.\n",
               cli->arguments[0]);
    }
    cli_answer_done(&answer);
    return result;
}
