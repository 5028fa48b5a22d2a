// What must hold between values, and of the files that they name.
// SPDX-License-Identifier: Apache-2.0
#include "config/address.h"
#include "config/config_int.h"
#include "config/store_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The host of an http or https URL without user, query and fragment; false where it is none.
static bool check_url_host(const char *url, bool *tls_out, char *host, size_t size)
{
    struct bytes text = bytes_of_text(url), rest = {0};
    size_t end = 0;
    *tls_out = bytes_starts_with(text, BYTES("https://"));
    if (!*tls_out && !bytes_starts_with(text, BYTES("http://"))) {
        return false;
    }
    rest = bytes_slice(text, *tls_out ? 8 : 7, text.len);
    if (strpbrk(url, "?#@ \\\"") != NULL || bytes_ends_with(text, BYTES("/"))) {
        return false;
    }
    while (end < rest.len && rest.ptr[end] != '/' && (rest.ptr[0] == '[' || rest.ptr[end] != ':')) {
        end++;
    }
    return end != 0 && bytes_to_text(bytes_slice(rest, 0, end), host, size);
}

static bool check_is_loopback_name(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

static enum fp_error check_public_url(const struct config *config, struct fp_note *note)
{
    char host[CONFIG_PATH];
    bool tls = false;
    if (!check_url_host(config->public_url, &tls, host, sizeof host)) {
        fp_note_set(note, "public_url",
                    "\"%.100s\" is no address like https://api.example.com (no slash, query or "
                    "fragment at its end).",
                    config->public_url);
        return FP_E_CONFIG_INVALID;
    }
    if (!tls && !check_is_loopback_name(host)) {
        fp_note_set(note, "public_url", "http is for loopback names only: use https.");
        return FP_E_CONFIG_INVALID;
    }
    return FP_OK;
}

static enum fp_error check_local(const char *key, const char *listener, struct fp_note *note)
{
    struct config_address address;
    enum fp_error error = FP_OK;
    if (listener[0] == '\0') {
        return FP_OK;
    }
    error = config_address_parse(listener, &address, note);
    if (error == FP_OK && !address.loopback) {
        fp_note_set(note, key,
                    "%.100s can be reached from other machines without TLS: only loopback or "
                    "unix:/path may be used here.",
                    listener);
        error = FP_E_CONFIG_INVALID;
    }
    return error;
}

// A fixed address may be listened on once. Port 0 is another one each time.
static bool check_same(const char *a, const char *b)
{
    size_t length = strlen(a);
    return length > 2 && strcmp(a, b) == 0 && strcmp(a + length - 2, ":0") != 0;
}

static enum fp_error check_listeners(const struct config *config, struct fp_note *note)
{
    const char *all[CONFIG_LISTENERS * 2 + 2];
    enum fp_error error = check_local("metrics.listen", config->metrics_listen, note);
    size_t count = 0;
    for (unsigned i = 0; i < CONFIG_LISTENERS && error == FP_OK; i++) {
        error = check_local("api.plain_listen", config->plain_listen[i], note);
    }
    if (error == FP_OK && config->api_listen[0][0] == '\0' && config->plain_listen[0][0] == '\0') {
        fp_note_set(note, "api.listen", "The API needs an address: here or in api.plain_listen.");
        error = FP_E_CONFIG_INVALID;
    }
    for (unsigned i = 0; i < CONFIG_LISTENERS; i++) {
        all[count++] = config->api_listen[i];
        all[count++] = config->plain_listen[i];
    }
    all[count++] = config->metrics_listen;
    all[count++] = config->console_listen;
    for (size_t i = 0; i < count && error == FP_OK; i++) {
        for (size_t j = 0; j < i && error == FP_OK; j++) {
            if (check_same(all[i], all[j])) {
                fp_note_set(note, "api.listen", "%.100s is used for two listeners.", all[i]);
                error = FP_E_CONFIG_INVALID;
            }
        }
    }
    return error;
}

static enum fp_error check_needed(const char *key, const char *value, struct fp_note *note)
{
    if (value[0] == '\0') {
        fp_note_set(note, key, "It may not be empty.");
        return FP_E_CONFIG_INVALID;
    }
    return FP_OK;
}

// Whether anything is served with the certificate.
static bool check_tls(const struct config *config)
{
    return config->api_listen[0][0] != '\0' || config->console_listen[0] != '\0';
}

static enum fp_error check_console_url(const struct config *config, struct fp_note *note)
{
    char host[CONFIG_PATH];
    bool tls = false;
    if (config->console_listen[0] != '\0' &&
        (!check_url_host(config->console_url, &tls, host, sizeof host) || !tls)) {
        fp_note_set(note, "console.url",
                    "\"%.100s\" is no address like https://fishplate.example.com (https, no slash, "
                    "query or fragment at its end).",
                    config->console_url);
        return FP_E_CONFIG_INVALID;
    }
    return FP_OK;
}

// Files without which no server runs.
static enum fp_error check_all_needed(const struct config *config, struct fp_note *note)
{
    enum fp_error error = check_needed("data_dir", config->data_dir, note);
    if (error == FP_OK) {
        error = check_needed("keys.master_key_file", config->master_key_file, note);
    }
    if (error == FP_OK && strchr(config->key_credential, '/') != NULL) {
        fp_note_set(note, "keys.credential", "It is a name, without a slash.");
        error = FP_E_CONFIG_INVALID;
    }
    if (error == FP_OK) {
        error = check_needed("keys.credential", config->key_credential, note);
    }
    if (error == FP_OK && check_tls(config)) {
        error = check_needed("api.tls.certificate", config->tls_certificate, note);
        if (error == FP_OK) {
            error = check_needed("api.tls.key", config->tls_key, note);
        }
    }
    return error;
}

static enum fp_error check_origins(const struct config *config, struct fp_note *note)
{
    for (unsigned i = 0; i < CONFIG_ORIGINS && config->cors_origins[1][0] != '\0'; i++) {
        if (strcmp(config->cors_origins[i], "*") == 0) {
            fp_note_set(note, "api.cors_origins", "\"*\" stands alone or not at all.");
            return FP_E_CONFIG_INVALID;
        }
    }
    return FP_OK;
}

enum fp_error config__check(const struct config *config, struct fp_note *note)
{
    struct config_store store;
    enum fp_error error = check_listeners(config, note);
    if (error == FP_OK) {
        error = check_public_url(config, note);
    }
    if (error == FP_OK) {
        error = check_console_url(config, note);
    }
    if (error == FP_OK) {
        error = check_all_needed(config, note);
    }
    if (error == FP_OK && config->connections_per_address > config->connections) {
        fp_note_set(note, "api.connections.per_address", "It is larger than the total.");
        error = FP_E_CONFIG_INVALID;
    }
    if (error == FP_OK && config->source_connect_timeout_ms > config->source_timeout_ms) {
        fp_note_set(note, "egress.timeouts.connect", "It is longer than egress.timeouts.answer.");
        error = FP_E_CONFIG_INVALID;
    }
    if (error == FP_OK) {
        error = config_store_parse(config->store_url, &store, note);
    }
    return error == FP_OK ? check_origins(config, note) : error;
}

// https://localhost with the listener's port, where it has one.
static void derive_url(const char *listen, char *out, size_t size)
{
    struct config_address address;
    char text[CONFIG_ADDRESS];
    if (out[0] != '\0') {
        return;
    }
    snprintf(out, size, "https://localhost");
    if (config_address_parse(listen, &address, NULL) == FP_OK && address.path == NULL) {
        config_address_text(&address.socket, text, sizeof text);
        snprintf(out, size, "https://localhost%s", strrchr(text, ':'));
    }
}

void config__derive(struct config *config)
{
    if (config->store_file[0] == '\0') {
        snprintf(config->store_file, sizeof config->store_file, "%.490s/store.db",
                 config->data_dir);
    }
    if (config->store_password_file[0] == '\0') {
        snprintf(config->store_password_file, sizeof config->store_password_file,
                 "%.490s/store.password", config->data_dir);
    }
    if (config->audit_dir[0] == '\0') {
        snprintf(config->audit_dir, sizeof config->audit_dir, "%.490s/audit", config->data_dir);
    }
    derive_url(config->api_listen[0], config->public_url, sizeof config->public_url);
    derive_url(config->console_listen, config->console_url, sizeof config->console_url);
}

const char *config_master_path(const struct config *config)
{
    return strcmp(config->key_source, "credential") == 0 ? config->key_credential_path
                                                         : config->master_key_file;
}

// systemd gives a credential to the unit's user by an access list, whose mask stands where the
// group's bits are.
unsigned config_master_forbidden(const struct config *config)
{
    return strcmp(config->key_source, "credential") == 0 ? 037 : 077;
}

// forbidden: mode bits that it may not have.
static enum fp_error check_file(const char *key, const char *path, unsigned forbidden,
                                struct fp_note *note)
{
    struct stat about;
    if (path[0] == '\0') {
        return FP_OK;
    }
    if (stat(path, &about) != 0 || access(path, R_OK) != 0) {
        fp_note_set(note, key, "%.200s cannot be read: %m.", path);
        return FP_E_CONFIG_INVALID;
    }
    if (!S_ISREG(about.st_mode)) {
        fp_note_set(note, key, "%.200s is no file.", path);
        return FP_E_CONFIG_INVALID;
    }
    if ((about.st_mode & forbidden) != 0) {
        fp_note_set(note, key,
                    "%.200s can be read by others (mode %04o): make it private with chmod 600.",
                    path, (unsigned)(about.st_mode & 07777));
        return FP_E_KEY_INVALID;
    }
    return FP_OK;
}

static enum fp_error check_folder(const char *key, const char *path, struct fp_note *note)
{
    struct stat about;
    if (path[0] == '\0') {
        return FP_OK;
    }
    if (stat(path, &about) != 0) {
        fp_note_set(note, key, "%.200s cannot be used: %m. Make it with fishplate init.", path);
        return FP_E_CONFIG_INVALID;
    }
    if (!S_ISDIR(about.st_mode)) {
        fp_note_set(note, key, "%.200s is no folder.", path);
        return FP_E_CONFIG_INVALID;
    }
    return FP_OK;
}

static enum fp_error check_master_key(const struct config *config, struct fp_note *note)
{
    const char *path = config_master_path(config);
    if (path[0] == '\0') {
        fp_note_set(note, "keys.source",
                    "The systemd credential %s was not handed over ($CREDENTIALS_DIRECTORY is not "
                    "set): use the unit, or systemd-run with LoadCredentialEncrypted.",
                    config->key_credential);
        return FP_E_KEY_INVALID;
    }
    return check_file("keys.master_key_file", path, config_master_forbidden(config), note);
}

enum fp_error config_check_files(const struct config *config, struct fp_note *note)
{
    enum fp_error error = check_folder("data_dir", config->data_dir, note);
    if (error == FP_OK && check_tls(config)) {
        error = check_file("api.tls.certificate", config->tls_certificate, 0, note);
        if (error == FP_OK) {
            error = check_file("api.tls.key", config->tls_key, 077, note);
        }
    }
    if (error == FP_OK) {
        error = check_master_key(config, note);
    }
    if (error == FP_OK) {
        error = check_folder("connectors.dir", config->connectors_dir, note);
    }
    if (error == FP_OK) {
        error = check_file("egress.ca_file", config->ca_file, 0, note);
    }
    return error;
}
