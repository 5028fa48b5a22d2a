// Every command of the command line: a row each.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

const struct cli_option cli_global_options[] = {
    {"config", "FILE", "the configuration (default: fishplate.yaml here, then in /etc/fishplate)",
     false},
    {"dir", "DIR", "the directory that init made: its fishplate.yaml is the configuration", false},
    {"passphrase-file", "FILE",
     "the master key's passphrase, in a file with mode 0600, or - for a line of standard input "
     "(default: ask)",
     false},
    {"json", NULL, "print JSON for programs", false},
    {"help", NULL, "say how the command is used", false},
    {.name = NULL},
};

static const struct cli_option init_options[] = {
    {"force", NULL,
     "write fishplate.yaml and the development certificate anew; keys and store stay", false},
    {"key-source", "file|credential|passphrase|pkcs11",
     "where the master key comes from (default: file)", false},
    {"pkcs11-module", "FILE", "shared object of the token, with --key-source pkcs11", false},
    {"pkcs11-token", "LABEL", "which token, with --key-source pkcs11", false},
    {.name = NULL},
};
static const struct cli_option serve_options[] = {
    {"check-config", NULL, "check configuration and files, then end", false},
    {.name = NULL},
};
// How an application takes part in OAuth.
#define APP_OAUTH_OPTIONS                                                                          \
    {"redirect-uris", "URIS", "where browsers may be sent back to, with blanks", false},           \
        {"access-seconds", "SECONDS", "life of the tokens that codes and refreshes give", false},  \
        {"refresh-seconds", "SECONDS", "life of its refresh tokens", false},                       \
    {                                                                                              \
        "pkce", "required|optional", "optional: for an old client without PKCE", false             \
    }

static const struct cli_option app_create_options[] = {
    {"name", "NAME", "shown to people", true},
    {"environment", "live|test", "what its tokens are for (default: live)", false},
    {"networks", "CIDRS", "private networks that its connections may reach, with commas", false},
    APP_OAUTH_OPTIONS,
    {.name = NULL},
};
static const struct cli_option app_update_options[] = {
    APP_OAUTH_OPTIONS,
    {.name = NULL},
};
static const struct cli_option delete_options[] = {
    {"yes", NULL, "do not ask", false},
    {"dry-run", NULL, "show what would be deleted, and change nothing", false},
    {.name = NULL},
};
static const struct cli_option connection_create_options[] = {
    {"app", "ID", "the application that it belongs to", true},
    {"name", "NAME", "of the connection, as the customer calls it", true},
    {"email", "EMAIL", "the customer's", true},
    {"platform", "PLATFORM", "kind of source system: see fishplate connector list", true},
    {"networks", "CIDRS", "private networks it may reach (default: those of the application)",
     false},
    {"credentials", "FILE",
     "JSON object, in a file with mode 0600, or - for standard input "
     "(default: ask for each)",
     false},
    {.name = NULL},
};
static const struct cli_option connection_reconnect_options[] = {
    {"credentials", "FILE",
     "JSON object, in a file with mode 0600, or - for standard input "
     "(default: ask for each)",
     false},
    {"platform", "PLATFORM", "its platform, to be asked for each; not needed with --credentials",
     false},
    {"networks", "CIDRS", "private networks it may reach (default: as before)", false},
    {.name = NULL},
};
static const struct cli_option connection_link_options[] = {
    {"app", "ID", "the application that the customer connects a system to", true},
    {"name", "NAME", "the customer's, and the connection's", true},
    {"email", "EMAIL", "the customer's", true},
    {"platforms", "PLATFORMS", "what may be chosen, with commas (default: everything)", false},
    {"connection", "ID", "connect this one anew", false},
    {"return-url", "URL", "where the page leads back to (default: nowhere)", false},
    {"expires-in", "SECONDS", "life of the link (default: 604800, a week)", false},
    {.name = NULL},
};
static const struct cli_option connection_list_options[] = {
    {"app", "ID", "only this application's", false},
    {.name = NULL},
};
static const struct cli_option customer_list_options[] = {
    {"app", "ID", "only this application's", false},
    {.name = NULL},
};
static const struct cli_option customer_erase_options[] = {
    {"yes", NULL, "do not ask", false},
    {"dry-run", NULL, "show what would be erased, and change nothing", false},
    {"certificate", "FILE", "write the certificate into this new file", false},
    {.name = NULL},
};
static const struct cli_option customer_verify_options[] = {
    {"key", "KEY|FILE", "public key of the installation's audit log: audit.pub in its folder",
     true},
    {.name = NULL},
};
static const struct cli_option token_issue_options[] = {
    {"expires-in", "SECONDS", "life of the token (default: as configured)", false},
    {"scopes", "SCOPES", "what it may do, with blanks (default: everything)", false},
    {"bind", "THUMBPRINT", "works only with this key: jkt:... of a DPoP key", false},
    {"from", "CIDRS", "works only from these addresses, with commas (default: all)", false},
    {.name = NULL},
};
static const struct cli_option operator_invite_options[] = {
    {"email", "EMAIL", "the person's address (default: the person says it)", false},
    {"role", "owner|administrator|support|auditor", "what the person may do (default: owner)",
     false},
    {.name = NULL},
};
static const struct cli_option webhook_create_options[] = {
    {"app", "ID", "the application whose events are told", true},
    {"url", "URL", "where to: https, or http on this machine", true},
    {"events", "EVENTS", "names with commas, as docs/webhooks.md has them (default: all)", false},
    {.name = NULL},
};
static const struct cli_option webhook_list_options[] = {
    {"app", "ID", "only this application's", false},
    {.name = NULL},
};
static const struct cli_option audit_verify_options[] = {
    {"key", "KEY|FILE", "public key of the log (default: audit.pub beside it)", false},
    {"reaches", "N", "number of a record that is known to have been written", false},
    {"anchors", "FILE", "checkpoints kept elsewhere: what they sign must be there", false},
    {.name = NULL},
};
static const struct cli_option audit_search_options[] = {
    {"request", "ID", "of one request, as X-Request-Id and the log name it", false},
    {"connection", "ID", "about one connection", false},
    {"application", "ID", "through one application", false},
    {"customer", "ID", "about one customer", false},
    {"token", "ID", "with or about one token", false},
    {"action", "ACTION", "one like token.refuse, or all of its kind: token", false},
    {"result", "CODE", "OK, or the code of an error", false},
    {"since", "TIME", "not older: 2026-11-24T13:00:00Z, or 2h, 7d", false},
    {"until", "TIME", "only older ones", false},
    {"limit", "N", "the newest N alone", false},
    {.name = NULL},
};
static const struct cli_option evidence_options[] = {
    {"out", "FILE", "write the archive into this new file", true},
    {.name = NULL},
};
static const struct cli_option audit_export_options[] = {
    {"format", "native|ocsf",
     "as in the log, to be verified; or events of OCSF 1.3 for a log collector (default: native)",
     false},
    {"out", "FILE", "write into this new file (default: standard output)", false},
    {"since", "TIME", "not older: 2026-11-24T13:00:00Z, or 2h, 7d", false},
    {"until", "TIME", "only older ones", false},
    {"request", "ID", "with ocsf: of one request", false},
    {"connection", "ID", "with ocsf: about one connection", false},
    {"application", "ID", "with ocsf: through one application", false},
    {"customer", "ID", "with ocsf: about one customer", false},
    {"token", "ID", "with ocsf: with or about one token", false},
    {"action", "ACTION", "with ocsf: one like token.refuse, or all of its kind", false},
    {"result", "CODE", "with ocsf: OK, or the code of an error", false},
    {.name = NULL},
};
static const struct cli_option token_rotate_options[] = {
    {"overlap", "SECONDS", "so long both tokens work (default: 86400, a day; 0: none)", false},
    {.name = NULL},
};
static const struct cli_option openapi_options[] = {
    {"version", "3.1|3.0", "of OpenAPI (default: 3.1)", false},
    {.name = NULL},
};
static const struct cli_option yes_options[] = {
    {"yes", NULL, "do not ask", false},
    {.name = NULL},
};

static const struct cli_option key_rotate_options[] = {
    {"customer", "ID", "a new data key for this customer, in place of a new master key", false},
    {"to-source", "file|credential|passphrase|pkcs11",
     "where the new key comes from (default: as the old one)", false},
    {"new-passphrase-file", "FILE",
     "the new key's passphrase, in a file with mode 0600, or - for a line of standard input "
     "(default: ask)",
     false},
    {.name = NULL},
};
static const struct cli_option key_passphrase_options[] = {
    {"new-passphrase-file", "FILE",
     "the new passphrase, in a file with mode 0600, or - for a line of standard input "
     "(default: ask)",
     false},
    {.name = NULL},
};

const struct cli_command cli_commands[] = {
    {"init", NULL, NULL, init_options, cli_init,
     "make a data directory: configuration, master key, certificate, store",
     "In the directory that --dir names (default: here). What exists is kept."},
    {"serve", NULL, NULL, serve_options, cli_serve, "run the server",
     "Ends on SIGTERM or SIGINT when requests in flight are answered; a second signal ends it at "
     "once.\nSIGHUP: certificate and key are read anew."},
    {"status", NULL, NULL, NULL, cli_status,
     "what the running server does, and how it is protected", NULL},
    {"unseal", NULL, NULL, NULL, cli_unseal,
     "give the running server the passphrase of its master key, or the PIN of its token",
     "With keys.source passphrase or pkcs11 the server starts sealed: it answers 503 SEALED until "
     "this\n"
     "command. After a wrong passphrase the next try has to wait, longer each time."},
    {"seal", NULL, NULL, NULL, cli_seal, "take the keys out of the running server's memory",
     "Only with keys.source passphrase or pkcs11. What is under way is cut off; fishplate unseal "
     "goes on."},
    {"app", "create", NULL, app_create_options, cli_app_create,
     "register an application; its secret is shown once", NULL},
    {"app", "update", "ID", app_update_options, cli_app_update,
     "change how an application takes part in OAuth",
     "What is not named stays. An empty --redirect-uris ends the browser's way."},
    {"app", "list", NULL, NULL, cli_app_list, "the applications", NULL},
    {"app", "delete", "ID", delete_options, cli_app_delete,
     "delete an application with its connections, tokens and credentials", NULL},
    {"connection", "create", NULL, connection_create_options, cli_connection_create,
     "connect a customer's system; its token is shown once",
     "The credentials are tried at the source first, so the server must run."},
    {"connection", "reconnect", "ID", connection_reconnect_options, cli_connection_reconnect,
     "new credentials and a new token for a connection; its old tokens end",
     "The credentials are tried at the source first, so the server must run."},
    {"connection", "link", NULL, connection_link_options, cli_connection_link,
     "a link for a customer, who connects a system in the browser; works once",
     "The link is shown this once. Send it to the customer alone: whoever opens it first uses it."},
    {"connection", "list", NULL, connection_list_options, cli_connection_list, "the connections",
     NULL},
    {"connection", "show", "ID", NULL, cli_connection_show, "one connection with its tokens", NULL},
    {"connection", "delete", "ID", delete_options, cli_connection_delete,
     "disconnect: tokens dead at once, credentials destroyed", NULL},
    {"customer", "list", NULL, customer_list_options, cli_customer_list,
     "the customers: whose data lies here", NULL},
    {"customer", "show", "ID", NULL, cli_customer_show,
     "one customer; with --json its keys and its certificate of erasure", NULL},
    {"customer", "erase", "ID", customer_erase_options, cli_customer_erase,
     "destroy a customer's data keys and connections; prints a signed certificate",
     "Nothing of the customer opens afterwards, neither here nor from a backup of the store made\n"
     "later. Backups made before hold the wrapped key: docs/operations.md says what to do with "
     "them.\n"
     "Interrupted, it goes on when it is called again; called once more, it prints the same\n"
     "certificate."},
    {"customer", "verify-certificate", "FILE", customer_verify_options, cli_customer_verify,
     "check a certificate of erasure, with the public key alone", NULL},
    {"token", "issue", "OWNER", token_issue_options, cli_token_issue,
     "a new token for a connection or application; shown once", NULL},
    {"token", "list", "OWNER", NULL, cli_token_list, "the tokens of a connection or application",
     NULL},
    {"token", "rotate", "ID", token_rotate_options, cli_token_rotate,
     "a new token in place of one, or a new client secret; shown once",
     "Owner, scopes and length of life stay. The old one works beside it for a while."},
    {"token", "revoke", "ID", yes_options, cli_token_revoke,
     "end a token at once, or all of a connection or application", NULL},
    {"webhook", "create", NULL, webhook_create_options, cli_webhook_create,
     "have an application's events sent to an address; the secret is shown once",
     "Signed as Standard Webhooks says; the receiver checks it with the secret."},
    {"webhook", "list", NULL, webhook_list_options, cli_webhook_list,
     "the webhooks, and how many deliveries wait for each", NULL},
    {"webhook", "delete", "ID", yes_options, cli_webhook_delete,
     "delete a webhook and what is on its way to it", NULL},
    {"webhook", "test", "ID", NULL, cli_webhook_test, "send a webhook.test",
     "A disabled webhook that takes it works again. webhook deliveries shows what came of it."},
    {"webhook", "deliveries", "ID", NULL, cli_webhook_deliveries,
     "what was sent to a webhook, the newest first; with --json every attempt", NULL},
    {"webhook", "redeliver", "DELIVERY", NULL, cli_webhook_redeliver, "send an event once more",
     NULL},
    {"key", "rotate", NULL, key_rotate_options, cli_key_rotate,
     "a new master key, or a new data key for a customer",
     "With --customer a new data key: the customer's records are sealed anew in the background,\n"
     "while the server runs or is stopped, and open with the old key until that is done. A new\n"
     "master key while the server is stopped, or runs with keys.source file. Both go on where "
     "they\n"
     "were interrupted. The old key "
     "stays beside the new one, named after its id: backups made before need it; destroy it with\n"
     "them. With --to-source set keys.source in fishplate.yaml afterwards, as the command says."},
    {"key", "passphrase", NULL, key_passphrase_options, cli_key_passphrase,
     "another passphrase for the same master key", "Nothing in the store changes."},
    {"key", "status", NULL, NULL, cli_key_status,
     "the data keys: version, age, encryptions, and when each is due",
     "No key is shown. A key is due after a year, or when half of the encryptions are used up "
     "that\n"
     "are safe with it."},
    {"operator", "invite", NULL, operator_invite_options, cli_operator_invite,
     "a one-time link with which a person may use the dashboard",
     "For an address that is known already the person chooses a new password with it, and the\n"
     "second factor ends: the way back for whoever lost either. The link works for a day."},
    {"operator", "list", NULL, NULL, cli_operator_list, "who may use the dashboard", NULL},
    {"operator", "disable", "ID|EMAIL", yes_options, cli_operator_disable,
     "sign an operator out everywhere and let in no more", NULL},
    {"audit", "verify", "[PATH]", audit_verify_options, cli_audit_verify,
     "check the audit log, a copy of its folder, or one of its files",
     "Needs the files and the public key alone, so that a stranger can do it. Names the first\n"
     "record that was changed, is missing, stands in another place, or where the log was cut."},
    {"audit", "search", "[PATH]", audit_search_options, cli_audit_search,
     "records of the audit log by what they say",
     "Reads the files, with and without a running server, and changes nothing. All options given\n"
     "must fit. With --json the records as they stand, one a line."},
    {"audit", "export", "[PATH]", audit_export_options, cli_audit_export,
     "records of the audit log as JSON lines, for auditors and log collectors",
     "Native, the lines are those of the log without a hole, up to the checkpoint that signs the "
     "last;\n"
     "fishplate audit verify FILE --key KEY checks them."},
    {"evidence", NULL, NULL, evidence_options, cli_evidence,
     "a signed archive for an auditor: protections, keys, access, audit log, settings",
     "From the running server. It holds no secret and no customer's name; each look is in the "
     "audit\nlog. README.md in it says how to check it; mapping.md names the SOC 2 criteria."},
    {"connector", "check", "FILE", NULL, cli_connector_check,
     "check a connector definition: file, line and reason of what is wrong", NULL},
    {"connector", "list", NULL, NULL, cli_connector_list, "the platforms, and how each is proven",
     NULL},
    {"openapi", NULL, NULL, openapi_options, cli_openapi,
     "print the API's description for programs (OpenAPI)",
     "The same document that the server answers at /openapi.json and /openapi-3.0.json."},
    {"completion", NULL, "bash|zsh|fish", NULL, cli_completion,
     "print a completion script for a shell", "bash: eval \"$(fishplate completion bash)\""},
    {"version", NULL, NULL, NULL, cli_version, "print the version", NULL},
    {"help", NULL, "[COMMAND]", NULL, cli_show_help, "say how a command is used", NULL},
    {.group = NULL},
};
