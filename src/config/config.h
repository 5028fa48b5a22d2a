// The configuration: one flat struct of plain values, filled from fishplate.yaml and from the
// environment, checked before anything starts. Flat, so that the supervisor can hand it to the
// rooms as it is: no room parses YAML. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONFIG_CONFIG_H
#define FP_CONFIG_CONFIG_H

#include "base/error.h"
#include "base/log.h"
#include "base/note.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_PATH      512
#define CONFIG_ADDRESS   108 // "127.0.0.1:8443", "[::1]:8443", "unix:/run/fishplate/api.sock"
#define CONFIG_LISTENERS 4
#define CONFIG_NETWORKS  1024
#define CONFIG_ORIGINS   16

struct config {
    char data_dir[CONFIG_PATH];   // data_dir: store, audit, control socket
    char public_url[CONFIG_PATH]; // public_url: what `links` in answers begin with
    char api_listen[CONFIG_LISTENERS][CONFIG_ADDRESS];   // api.listen: TLS; empty: unused
    char plain_listen[CONFIG_LISTENERS][CONFIG_ADDRESS]; // api.plain_listen: loopback or unix only
    char tls_certificate[CONFIG_PATH];                   // api.tls.certificate: PEM chain
    char tls_key[CONFIG_PATH];              // api.tls.key: PEM, readable by its owner only
    char cors_origins[CONFIG_ORIGINS][256]; // api.cors_origins: exact origins, or one "*"
    uint32_t body_limit;                    // api.body_limit, bytes
    uint32_t header_timeout_ms;             // api.timeouts.header
    uint32_t body_timeout_ms;               // api.timeouts.body
    uint32_t idle_timeout_ms;               // api.timeouts.idle
    uint32_t write_timeout_ms;              // api.timeouts.write
    uint32_t drain_timeout_ms;              // api.timeouts.drain
    uint32_t call_timeout_ms;               // api.timeouts.call
    uint32_t calls;                         // api.calls
    uint32_t connections;                   // api.connections.total
    uint32_t connections_per_address;       // api.connections.per_address
    char metrics_listen[CONFIG_ADDRESS];    // metrics.listen; empty: off
    char console_listen[CONFIG_ADDRESS];    // console.listen: TLS; empty: no dashboard
    char console_url[CONFIG_PATH];          // console.url: what links to the dashboard begin with
    uint32_t console_idle_ms;               // console.idle: a session unused for so long ends
    uint32_t console_session_ms;            // console.session: every session ends after it
    char key_source[16];                    // keys.source: where the master key comes from
    char master_key_file[CONFIG_PATH];      // keys.master_key_file
    uint32_t key_rotate_days;               // keys.rotate_days; 0: not by age
    char key_credential[64];                // keys.credential: name of the systemd credential
    char pkcs11_module[CONFIG_PATH];        // keys.pkcs11.module: shared object of the token
    char pkcs11_token[33];                  // keys.pkcs11.token: its label
    char pkcs11_key[65];                    // keys.pkcs11.key: label of the key that wraps
    char key_credential_path[CONFIG_PATH];  // its file in $CREDENTIALS_DIRECTORY; empty: none
    char store_file[CONFIG_PATH];           // store.file: SQLite
    char store_url[CONFIG_PATH];            // store.url: PostgreSQL; empty: SQLite
    char store_password_file[CONFIG_PATH];  // store.password_file
    char audit_dir[CONFIG_PATH];            // audit.dir
    char audit_anchor_file[CONFIG_PATH];    // audit.anchor_file; "": none
    char audit_anchor_syslog[CONFIG_PATH];  // audit.anchor_syslog; "": none
    char connectors_dir[CONFIG_PATH];   // connectors.dir: besides the built-in ones; empty: none
    char networks[CONFIG_NETWORKS];     // egress.networks: private CIDRs every connection may
                                        // reach, with commas; empty: none
    char ca_file[CONFIG_PATH];          // egress.ca_file: besides the system's; empty: none
    uint32_t source_timeout_ms;         // egress.timeouts.answer
    uint32_t source_connect_timeout_ms; // egress.timeouts.connect
    uint32_t source_answer_limit;       // egress.answer_limit, bytes
    uint32_t uid_base;                  // rooms.uid_base: where started as root, a room gets
                                        // uid and gid uid_base + its number
    bool require_hardening;             // rooms.require_hardening
    enum log_level log_level;           // log.level
    uint32_t token_days;                // tokens.days: life of a connection's token, 0: no end
    uint32_t token_unused_days;         // tokens.unused_days: 0: unused tokens stay
    uint32_t application_token_s;       // tokens.application_seconds
    bool dpop_nonce;                    // tokens.dpop_nonce: proofs must hold a nonce of ours
};

// Every value at its default, paths relative to dir (the data directory).
void config_defaults(struct config *out, const char *dir);
// Reads the file over the defaults, then FISHPLATE_* variables of env (NULL: none; a name is the
// key in capitals, dots as two underscores: FISHPLATE_API__BODY_LIMIT), then checks everything.
// Relative paths count from the file's folder. FP_E_CONFIG_INVALID with line, column and reason in
// the note: unknown key, wrong type, out of range, plain listener beyond loopback.
enum fp_error config_load(const char *path, char *const env[], struct config *out,
                          struct fp_note *note);
// The file that holds the master key; "": there is none, because this process was given no
// credentials. Lives as long as config.
const char *config_master_path(const struct config *config);
// Mode bits that this file may not have.
unsigned config_master_forbidden(const struct config *config);
// What must hold of the files the configuration names before the server starts: they exist, keys
// are readable by their owner only. FP_E_CONFIG_INVALID or FP_E_KEY_INVALID with a note.
enum fp_error config_check_files(const struct config *config, struct fp_note *note);

#endif
