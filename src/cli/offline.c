// The registry in this process, while no server runs: under the lock of the data directory, as the
// user that the vault would be. SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/passphrase.h"

#include "config/data_dir.h"
#include "crypto/setup.h"
#include "link/link.h"
#include "link/link_wire.h"
#include "registry/control.h"
#include "registry/installation.h"
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct offline {
    const struct cli *cli;  // for output
    struct cli_answer *out; // what came
};

enum fp_error cli_become_vault(struct config *config, struct fp_note *note)
{
    struct sandbox_report report = {0};
    struct config inside = *config;
    uint32_t uid = config->uid_base != 0 ? config->uid_base + LINK_ROOM_VAULT : 0;
    enum fp_error error = sandbox_begin(&report, note);
    if (error != FP_OK || geteuid() != 0) {
        return error;
    }
    if (uid != 0 && config_rebase_data_dir(&inside)) {
        const bool remote = config->store_url[0] != '\0';
        error = remote ? sandbox_folder(config->data_dir, note)
                       : sandbox_root(config->data_dir, &report, note);
        if (error == FP_OK && (remote || report.own_root)) {
            *config = inside;
        }
    }
    return error == FP_OK ? sandbox_drop(uid, &report, note) : error;
}

static void offline_done(void *ctx, const struct registry_result *result)
{
    struct offline *offline = ctx;
    struct cli_trouble trouble = {result->error, result->detail, result->errors, NULL};
    if (result->error == FP_OK) {
        cli_answer_take(offline->out, result->body);
    } else {
        offline->out->exit = cli_trouble_tell(offline->cli, &trouble);
    }
}

static enum fp_error offline_decode(struct bytes frame, struct link_frame *out)
{
    struct link_reader r = {frame, true};
    (void)link_reader_number(&r, 4);
    out->number = (enum link_number)link_reader_number(&r, 2);
    (void)link_reader_number(&r, 2);
    out->body = r.rest;
    return r.good ? FP_OK : FP_E_MESSAGE_INVALID;
}

static enum fp_error offline_work(struct offline *offline, struct config *config,
                                  const struct passphrase_master *reached,
                                  const struct link_frame *question, struct fp_note *note)
{
    struct installation in = {0};
    struct master_key *master = NULL;
    enum fp_error error = cli_become_vault(config, note);
    if (error == FP_OK) {
        error = crypto_setup();
    }
    if (error == FP_OK) {
        error = passphrase_master_open(config, reached, &master, note);
    }
    if (error == FP_OK) {
        error = installation_open(config, master, &in, note);
    }
    if (error == FP_OK) {
        error = registry_control(in.registry, cli_actor(), question, offline_done, offline);
        registry_settle(in.registry);
    }
    installation_close(&in);
    return error;
}

void cli_ask_offline(const struct cli *cli, const struct config *config, struct bytes frame,
                     struct cli_answer *out)
{
    struct offline offline = {cli, out};
    struct config own = *config;
    struct fp_note note = {0};
    struct link_frame question = {0};
    struct passphrase_master reached = {.fd = -1};
    int lock = -1;
    enum fp_error error = offline_decode(frame, &question);
    if (error == FP_OK && (question.number == LINK_UNSEAL || question.number == LINK_SEAL)) {
        error = FP_E_NOT_RUNNING;
    }
    if (error == FP_OK) {
        error = config_lock_data_dir(config, &lock, &note);
    }
    (void)cli_actor(); // users' names are out of reach later
    if (error == FP_OK) {
        error = config_check_files(config, &note);
    }
    if (error == FP_OK) {
        error = passphrase_master_reach(cli, config, &reached, &note);
    }
    if (error == FP_OK) {
        error = offline_work(&offline, &own, &reached, &question, &note);
    }
    if (error != FP_OK) {
        out->exit = cli_note_tell(cli, error, &note);
    }
    passphrase_master_done(&reached);
    if (lock >= 0) {
        close(lock);
    }
}
