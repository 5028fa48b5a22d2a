// The first operator's one-time link.
// SPDX-License-Identifier: Apache-2.0
#include "cli/init_operator.h"

#include "cli/cli_int.h"
#include "cli/json_memory.h"
#include "registry/installation.h"
#include "registry/operators.h"

struct invited {
    struct buf *out;     // the link
    enum fp_error error; // why not
};

static void invited_done(void *ctx, const struct registry_result *result)
{
    struct invited *invited = ctx;
    struct cli_json json = {0};
    invited->error = result->error;
    if (invited->error == FP_OK && cli_json_read(result->body, &json) == FP_OK) {
        buf_append_text(invited->out,
                        yyjson_get_str(yyjson_obj_get(yyjson_obj_get(json.root, "data"), "url")));
    }
    cli_json_done(&json);
}

enum fp_error init_operator_link(const struct config *config, struct master_key *master,
                                 struct buf *out, struct fp_note *note)
{
    const struct registry_caller caller = {.actor = AUDIT_BY_COMMAND, .actor_id = cli_actor()};
    const struct operator_invitation invitation = {.role = BYTES("owner")};
    struct invited invited = {out, FP_OK};
    struct installation in = {0};
    enum fp_error error = installation_open(config, master, &in, note);
    if (error == FP_OK) {
        registry_operator_invite(in.registry, &caller, &invitation, invited_done, &invited);
        registry_settle(in.registry);
        error = invited.error;
    }
    installation_close(&in);
    return error == FP_OK ? buf_error(out) : error;
}
