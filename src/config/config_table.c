// Every key of fishplate.yaml: the one place that says its type, range, default and meaning.
// docs/configuration.md and the commented file are written from it.
// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "config/config_int.h"

#include <string.h>

#define AT(member)   offsetof(struct config, member), sizeof(((struct config *)0)->member)
#define LIST(member) offsetof(struct config, member), sizeof(((struct config *)0)->member[0])
#define DAY_MS       86400000u
#define MINUTE_MS    60000u

const struct config_row config_rows[] = {
    {"data_dir", CONFIG_KIND_PATH, AT(data_dir), 0, 0, "data",
     "Store, audit log and control socket. Belongs to the vault's user where started as root."},
    {"public_url", CONFIG_KIND_TEXT, AT(public_url), 0, 0, "",
     "What links in answers begin with: https, or http on a loopback name. Empty: "
     "https://localhost with the port of the first api.listen."},
    {"api.listen", CONFIG_KIND_LISTENERS, LIST(api_listen), 0, CONFIG_LISTENERS, "127.0.0.1:8443",
     "Where the API is served with TLS: up to four addresses."},
    {"api.plain_listen", CONFIG_KIND_LISTENERS, LIST(plain_listen), 0, CONFIG_LISTENERS, "",
     "The API without TLS, for a proxy on the same machine: loopback or unix:/path only."},
    {"api.tls.certificate", CONFIG_KIND_PATH, AT(tls_certificate), 0, 0, "tls/cert.pem",
     "PEM: the certificate, then those that lead to its authority. Read again on SIGHUP."},
    {"api.tls.key", CONFIG_KIND_PATH, AT(tls_key), 0, 0, "tls/key.pem",
     "PEM: its private key; readable by its owner only. Read again on SIGHUP."},
    {"api.cors_origins", CONFIG_KIND_ORIGINS, LIST(cors_origins), 0, CONFIG_ORIGINS, "",
     "Web origins whose pages may call the API (https://app.example.com), or \"*\" alone."},
    {"api.body_limit", CONFIG_KIND_SIZE, AT(body_limit), 1024, 1048576, "1MiB",
     "Largest request body."},
    {"api.timeouts.header", CONFIG_KIND_TIME, AT(header_timeout_ms), 100, DAY_MS, "10s",
     "A whole header block must arrive in this time."},
    {"api.timeouts.body", CONFIG_KIND_TIME, AT(body_timeout_ms), 100, DAY_MS, "30s",
     "A whole body must arrive in this time."},
    {"api.timeouts.idle", CONFIG_KIND_TIME, AT(idle_timeout_ms), 100, DAY_MS, "75s",
     "A kept-alive connection without a request is closed after it."},
    {"api.timeouts.write", CONFIG_KIND_TIME, AT(write_timeout_ms), 100, DAY_MS, "30s",
     "A client must take some of its answer in this time."},
    {"api.timeouts.drain", CONFIG_KIND_TIME, AT(drain_timeout_ms), 0, DAY_MS, "30s",
     "After SIGTERM requests in flight may finish in this time."},
    {"api.timeouts.call", CONFIG_KIND_TIME, AT(call_timeout_ms), 100, FP_LIMIT_CALL_DEADLINE, "60s",
     "A call is answered in this time, whatever the source system does: beyond it 504."},
    {"api.calls", CONFIG_KIND_COUNT, AT(calls), 1, FP_LIMIT_CALLS_IN_FLIGHT, "20000",
     "Calls at the same time: beyond it 503."},
    {"api.connections.total", CONFIG_KIND_COUNT, AT(connections), 1, 1000000, "10000",
     "Connections of clients at the same time."},
    {"api.connections.per_address", CONFIG_KIND_COUNT, AT(connections_per_address), 1, 1000000,
     "256", "Of them from one address (IPv6: from one /64)."},
    {"metrics.listen", CONFIG_KIND_LISTENER, AT(metrics_listen), 0, 0, "127.0.0.1:9464",
     "/metrics, /healthz and /readyz without TLS: loopback or unix:/path only. Empty: off."},
    {"console.listen", CONFIG_KIND_LISTENER, AT(console_listen), 0, 0, "127.0.0.1:8444",
     "The dashboard, always with TLS (api.tls). Empty: no dashboard."},
    {"console.url", CONFIG_KIND_TEXT, AT(console_url), 0, 0, "",
     "What links to the dashboard begin with: https. Empty: https://localhost with the port of "
     "console.listen."},
    {"console.idle", CONFIG_KIND_TIME, AT(console_idle_ms), MINUTE_MS, DAY_MS, "30m",
     "An operator's session that was not used for so long has ended."},
    {"console.session", CONFIG_KIND_TIME, AT(console_session_ms), MINUTE_MS, DAY_MS, "720m",
     "Every session of an operator ends after it."},
    {"keys.source", CONFIG_KIND_SOURCE, AT(key_source), 0, 0, "file",
     "Where the master key comes from: file (keys.master_key_file holds it), credential (systemd "
     "hands it over, by LoadCredentialEncrypted), passphrase (keys.master_key_file holds it "
     "wrapped) or pkcs11 (the same, wrapped by a token). With the last two the server starts "
     "sealed "
     "until fishplate unseal."},
    {"keys.master_key_file", CONFIG_KIND_PATH, AT(master_key_file), 0, 0, "master.key",
     "The key above all keys; readable by its owner only. Keep a copy elsewhere: without it "
     "nothing "
     "in the store can be read."},
    {"keys.credential", CONFIG_KIND_TEXT, AT(key_credential), 0, 0, "fishplate-master-key",
     "Name of the systemd credential, where keys.source is credential."},
    {"keys.pkcs11.module", CONFIG_KIND_PATH, AT(pkcs11_module), 0, 0, "",
     "The shared object that speaks to the token, where keys.source is pkcs11. It is loaded by the "
     "command line alone, never by the server."},
    {"keys.pkcs11.token", CONFIG_KIND_TEXT, AT(pkcs11_token), 0, 0, "", "Label of the token."},
    {"keys.pkcs11.key", CONFIG_KIND_TEXT, AT(pkcs11_key), 0, 0, "fishplate",
     "Label of the AES key in the token that wraps the master key; made where it is not there."},
    {"keys.rotate_days", CONFIG_KIND_COUNT, AT(key_rotate_days), 0, 36500, "365",
     "A customer's data key this old is replaced by itself, its records sealed anew in the "
     "background. 0: only by count, or by fishplate key rotate --customer."},
    {"store.file", CONFIG_KIND_PATH, AT(store_file), 0, 0, "",
     "The SQLite database. Empty: store.db in data_dir."},
    {"store.url", CONFIG_KIND_TEXT, AT(store_url), 0, 0, "",
     "Keeps the store in PostgreSQL instead, so that several servers can share it: "
     "postgresql://user@host:port/database, without a password. Beyond this machine always TLS "
     "with "
     "the certificate and its name checked. Empty: store.file."},
    {"store.password_file", CONFIG_KIND_PATH, AT(store_password_file), 0, 0, "",
     "Password of the database's user, in a file that only the vault's user can read. Empty: "
     "store.password in data_dir, where there is one."},
    {"audit.dir", CONFIG_KIND_PATH, AT(audit_dir), 0, 0, "",
     "The audit log. Empty: audit in data_dir."},
    {"audit.anchor_file", CONFIG_KIND_PATH, AT(audit_anchor_file), 0, 0, "",
     "Each checkpoint of the audit log is appended to this file as well, best on the disk of "
     "another machine, so that a log that was cut back is found. Empty: none."},
    {"audit.anchor_syslog", CONFIG_KIND_PATH, AT(audit_anchor_syslog), 0, 0, "",
     "Socket of the system log (/dev/log) that each checkpoint of the audit log goes to as well. "
     "Empty: none."},
    {"connectors.dir", CONFIG_KIND_PATH, AT(connectors_dir), 0, 0, "",
     "Connector definitions besides the built-in ones. Empty: none."},
    {"egress.networks", CONFIG_KIND_NETWORKS, AT(networks), 0, 64, "",
     "Private networks (CIDRs) in which every connection may have its source system. Single "
     "connections and applications may be allowed more."},
    {"egress.ca_file", CONFIG_KIND_PATH, AT(ca_file), 0, 0, "",
     "PEM: authorities that source systems' certificates may come from, besides the system's."},
    {"egress.timeouts.answer", CONFIG_KIND_TIME, AT(source_timeout_ms), 100, 10 * MINUTE_MS, "45s",
     "A source system's whole answer must arrive in this time."},
    {"egress.timeouts.connect", CONFIG_KIND_TIME, AT(source_connect_timeout_ms), 100,
     10 * MINUTE_MS, "10s", "Connecting to a source system, TLS included."},
    {"egress.answer_limit", CONFIG_KIND_SIZE, AT(source_answer_limit), 65536, 33554432, "32MiB",
     "Largest answer of a source system, decompressed."},
    {"rooms.uid_base", CONFIG_KIND_COUNT, AT(uid_base), 0, 4000000000, "60900",
     "Where started as root, gateway, vault, egress and console become the users uid_base + 1 to "
     "+ 4, which need no names. 0: they stay root, without its capabilities."},
    {"rooms.require_hardening", CONFIG_KIND_BOOL, AT(require_hardening), 0, 0, "false",
     "Refuse to start where a protection (own user, Landlock, seccomp, ...) is not available."},
    {"log.level", CONFIG_KIND_LEVEL, AT(log_level), 0, 0, "info",
     "Lowest level that is logged: debug, info, warning, error."},
    {"tokens.days", CONFIG_KIND_COUNT, AT(token_days), 0, 36500, "0",
     "Life of a connection's token in days. 0: until it is revoked."},
    {"tokens.unused_days", CONFIG_KIND_COUNT, AT(token_unused_days), 0, 36500, "0",
     "A connection's token that nobody used for so many days is revoked. 0: never."},
    {"tokens.application_seconds", CONFIG_KIND_COUNT, AT(application_token_s), 60, 2592000, "3600",
     "Life of the token that an application gets by client_credentials."},
    {"tokens.dpop_nonce", CONFIG_KIND_BOOL, AT(dpop_nonce), 0, 0, "false",
     "DPoP proofs must hold a nonce that this server gave out in the last ten minutes, so that "
     "none "
     "can be made in advance."},
    {.path = NULL},
};

const char *const config_key_sources[] = {"file", "credential", "passphrase", "pkcs11", NULL};

const struct config_row *config__find(const char *path)
{
    for (const struct config_row *row = config_rows; row->path != NULL; row++) {
        if (strcmp(row->path, path) == 0) {
            return row;
        }
    }
    return NULL;
}

bool config__is_section(const char *path)
{
    size_t length = strlen(path);
    for (const struct config_row *row = config_rows; row->path != NULL; row++) {
        if (strncmp(row->path, path, length) == 0 && row->path[length] == '.') {
            return true;
        }
    }
    return false;
}

const char *config__kind_name(enum config_kind kind)
{
    static const char *const names[] = {
        [CONFIG_KIND_PATH] = "path",
        [CONFIG_KIND_TEXT] = "text",
        [CONFIG_KIND_LISTENERS] = "list of addresses",
        [CONFIG_KIND_LISTENER] = "address",
        [CONFIG_KIND_ORIGINS] = "list of origins",
        [CONFIG_KIND_NETWORKS] = "list of networks",
        [CONFIG_KIND_COUNT] = "whole number",
        [CONFIG_KIND_SIZE] = "size (4096, 64KiB, 1MiB)",
        [CONFIG_KIND_TIME] = "time (1500ms, 10s, 2m)",
        [CONFIG_KIND_BOOL] = "true or false",
        [CONFIG_KIND_LEVEL] = "debug, info, warning or error",
        [CONFIG_KIND_SOURCE] = "source: file, credential, passphrase or pkcs11",
    };
    return names[kind];
}
