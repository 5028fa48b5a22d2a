// Shared by the files of this folder only.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_CLI_INT_H
#define FP_CLI_CLI_INT_H

#include "cli/cli.h"

#include "base/buf.h"
#include "base/note.h"

#include <stdio.h>

#define CLI_OPTIONS   12 // of one command
#define CLI_ARGUMENTS 2  // words behind a command

struct cli;

struct cli_option {
    const char *name;  // without its two dashes
    const char *value; // what it takes, for help: "FILE"; NULL: nothing
    const char *help;  // one line
    bool required;     // the command cannot do without
};

struct cli_command {
    const char *group;                // "app"
    const char *verb;                 // "create"; NULL: group is the whole command
    const char *arguments;            // words behind it, for help: "ID"; NULL: none
    const struct cli_option *options; // ends with a name of NULL; NULL: none
    enum cli_exit (*run)(const struct cli *cli);
    const char *help; // one line
    const char *more; // further lines for its own help; may be NULL
};

struct cli {
    const struct cli_hooks *hooks;        // what main lends
    char *const *environment;             // of the process
    const struct cli_command *command;    // what to run
    const char *values[CLI_OPTIONS];      // by place in command->options; NULL: not given
    const char *arguments[CLI_ARGUMENTS]; // words behind the command
    unsigned argument_count;              // how many
    bool json;                            // --json
    bool help;                            // --help
    const char *config_path;              // --config; NULL: look for it
    const char *dir;                      // --dir; NULL: not given
    const char *passphrase_file;          // --passphrase-file; NULL: not given
};

extern const struct cli_command cli_commands[]; // ends with a group of NULL
extern const struct cli_option cli_global_options[];

// ---- arguments.c
// FP_OK, or CLI_USAGE was told to the user and is to be returned.
enum cli_exit cli_parse(struct cli *cli, int argc, char *argv[]);
// An option's text; for one without a value "" stands for given. NULL: not given.
const char *cli_value(const struct cli *cli, const char *name);
// The nearest word of the list (NULL at its end) for "did you mean"; NULL when none is near.
const char *cli_nearest(const char *word, const char *const words[]);

// ---- help.c
void cli_help(FILE *out);
void cli_help_command(FILE *out, const struct cli_command *command);

// ---- output.c: people read tables, programs JSON
enum cli_exit cli_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Tells an error of the catalogue with its details and next step. detail and errors: JSON, may be
// empty. Returns the exit code that belongs to it.
struct cli_trouble {
    enum fp_error error;        // of the catalogue
    struct bytes detail;        // JSON object, may be empty
    struct bytes errors;        // JSON array, may be empty
    const struct fp_note *note; // may be NULL
};
enum cli_exit cli_trouble_tell(const struct cli *cli, const struct cli_trouble *trouble);
enum cli_exit cli_note_tell(const struct cli *cli, enum fp_error error, const struct fp_note *note);

struct cli_column {
    const char *title;  // of the column, or label of the line
    const char *member; // of each object
};
// data: JSON. With --json as it is, one line; else a table of the array's objects.
enum cli_exit cli_print_table(const struct cli *cli, struct bytes data,
                              const struct cli_column *columns);
// The question for the page behind `after` (empty: the first), written to frame.
typedef enum fp_error cli_page(const struct cli *cli, struct bytes after, struct buf *frame);
// Asks page after page until the last and prints the rows as one table.
enum cli_exit cli_print_pages(const struct cli *cli, cli_page *page,
                              const struct cli_column *columns);
// All rows as one JSON array, into an empty buffer.
enum cli_exit cli_take_pages(const struct cli *cli, cli_page *page, struct buf *rows);
// The same for one object, one line for each member that it has.
enum cli_exit cli_print_object(const struct cli *cli, struct bytes data,
                               const struct cli_column *columns);

// ---- settings.c
// Finds and loads the configuration; tells what is wrong with it.
enum cli_exit cli_load_config(const struct cli *cli, struct config *out);
// Where it is; false: nowhere.
bool cli_settings_path(const struct cli *cli, char out[static CONFIG_PATH]);

// ---- ask.c: to the server, or to the registry in this process while the server is down
struct cli_answer {
    struct buf data;    // JSON: what stands under "data"; wiped by cli_answer_done()
    enum cli_exit exit; // CLI_OK: data is there; else the user was told
    char next[64];      // of a list that goes on: pass as `after`; "" at its end
};
// frame: one whole question as link_put_*() makes it with call 1; wiped.
void cli_ask(const struct cli *cli, struct buf *frame, struct cli_answer *out);
void cli_answer_done(struct cli_answer *answer);
// Who sits at the command line, for the record: user's name or number.
struct bytes cli_actor(void);
// A buffer for a question.
struct buf cli_question(void);

// ---- offline.c
// Does what the frame asks for in this process, under the lock of the data directory.
void cli_ask_offline(const struct cli *cli, const struct config *config, struct bytes frame,
                     struct cli_answer *out);
// Gives up what root can do beyond the vault's user, so that files made here belong to it, and
// enters the data directory. config's paths change with it.
enum fp_error cli_become_vault(struct config *config, struct fp_note *note);
// From an answer's body: {"data":...,"next":...}.
void cli_answer_take(struct cli_answer *answer, struct bytes body);

// ---- confirm.c
// True to go on with destroying: --yes, or a person at a terminal types the word.
bool cli_confirm(const struct cli *cli, const char *what, const char *word);
// Reads a line without showing it, from the terminal. FP_E_IO_FAILED where there is none.
enum fp_error cli_read_hidden(const char *prompt, bool hidden, struct buf *out);

// ---- the commands, one file for each noun
enum cli_exit cli_init(const struct cli *cli);
enum cli_exit cli_serve(const struct cli *cli);
enum cli_exit cli_status(const struct cli *cli);
enum cli_exit cli_app_create(const struct cli *cli);
enum cli_exit cli_app_list(const struct cli *cli);
enum cli_exit cli_app_update(const struct cli *cli);
enum cli_exit cli_app_delete(const struct cli *cli);
enum cli_exit cli_connection_create(const struct cli *cli);
enum cli_exit cli_connection_reconnect(const struct cli *cli);
enum cli_exit cli_connection_link(const struct cli *cli);
enum cli_exit cli_connection_list(const struct cli *cli);
enum cli_exit cli_connection_show(const struct cli *cli);
enum cli_exit cli_connection_delete(const struct cli *cli);
enum cli_exit cli_customer_list(const struct cli *cli);
enum cli_exit cli_customer_show(const struct cli *cli);
enum cli_exit cli_customer_erase(const struct cli *cli);
enum cli_exit cli_customer_verify(const struct cli *cli);
enum cli_exit cli_token_issue(const struct cli *cli);
enum cli_exit cli_token_list(const struct cli *cli);
enum cli_exit cli_token_rotate(const struct cli *cli);
enum cli_exit cli_token_revoke(const struct cli *cli);
enum cli_exit cli_operator_invite(const struct cli *cli);
enum cli_exit cli_operator_list(const struct cli *cli);
enum cli_exit cli_operator_disable(const struct cli *cli);
enum cli_exit cli_webhook_create(const struct cli *cli);
enum cli_exit cli_webhook_list(const struct cli *cli);
enum cli_exit cli_webhook_delete(const struct cli *cli);
enum cli_exit cli_webhook_test(const struct cli *cli);
enum cli_exit cli_webhook_deliveries(const struct cli *cli);
enum cli_exit cli_webhook_redeliver(const struct cli *cli);
enum cli_exit cli_audit_verify(const struct cli *cli);
enum cli_exit cli_audit_search(const struct cli *cli);
enum cli_exit cli_evidence(const struct cli *cli);
enum cli_exit cli_audit_export(const struct cli *cli);
// The log that is meant: the command's first word, else the folder of the configuration.
enum cli_exit cli_audit_path(const struct cli *cli, char out[static CONFIG_PATH]);
enum cli_exit cli_key_rotate(const struct cli *cli);
enum cli_exit cli_key_passphrase(const struct cli *cli);
enum cli_exit cli_unseal(const struct cli *cli);
enum cli_exit cli_seal(const struct cli *cli);
enum cli_exit cli_key_status(const struct cli *cli);
enum cli_exit cli_connector_check(const struct cli *cli);
enum cli_exit cli_connector_list(const struct cli *cli);
enum cli_exit cli_openapi(const struct cli *cli);
enum cli_exit cli_completion(const struct cli *cli);
enum cli_exit cli_version(const struct cli *cli);
enum cli_exit cli_show_help(const struct cli *cli);

#endif
