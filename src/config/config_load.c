// From fishplate.yaml and FISHPLATE_* variables to struct config.
// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "config/config_int.h"
#include "yaml/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOAD_DEPTH     4 // levels of sections
#define LOAD_ROWS      64
#define ENV_PREFIX     "FISHPLATE_"
#define LOAD_LIST_TEXT 4096

// Where each row's value stands in the file, for messages about what does not fit together.
struct load {
    struct config config;                     // so far
    const char *base;                         // folder of the file
    const struct yaml_node *nodes[LOAD_ROWS]; // by row; NULL: not in the file
};

void config_defaults(struct config *out, const char *dir)
{
    *out = (struct config){.log_level = LOG_INFO};
    for (const struct config_row *row = config_rows; row->path != NULL; row++) {
        enum fp_error error = config__set(out, row, bytes_of_text(row->fallback), dir, NULL);
        (void)error; // a unit test sees that every default is good
    }
    snprintf(out->data_dir, sizeof out->data_dir, "%s", dir);
    config__derive(out);
}

static enum fp_error load_node_error(struct fp_note *note, const struct yaml_node *node,
                                     enum fp_error error)
{
    if (note != NULL) {
        note->line = node->line;
        note->column = node->column;
    }
    return error;
}

// A list becomes the text that an environment variable would hold.
static enum fp_error load_list(const struct config_row *row, const struct yaml_node *node,
                               struct buf *text, struct fp_note *note)
{
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != YAML_SCALAR || bytes_find(item->text, ',', &(size_t){0})) {
            fp_note_set(note, row->path, "A %s is expected.", config__kind_name(row->kind));
            return load_node_error(note, item, FP_E_CONFIG_INVALID);
        }
        if (item != node->first) {
            buf_append_byte(text, ',');
        }
        buf_append_bytes(text, item->text);
    }
    return buf_error(text);
}

static bool load_takes_list(enum config_kind kind)
{
    return kind == CONFIG_KIND_LISTENERS || kind == CONFIG_KIND_ORIGINS ||
           kind == CONFIG_KIND_NETWORKS;
}

// Numbers and truth values are written without quotes: "8" is a text.
static bool load_is_plain_kind(enum config_kind kind)
{
    return kind == CONFIG_KIND_COUNT || kind == CONFIG_KIND_BOOL;
}

static enum fp_error load_value(struct load *load, const struct config_row *row,
                                const struct yaml_node *node, struct fp_note *note)
{
    struct buf text;
    enum fp_error error = FP_OK;
    bool list = node->kind == YAML_LIST && load_takes_list(row->kind);
    load->nodes[row - config_rows] = node;
    if ((node->kind != YAML_SCALAR && !list) ||
        (node->kind == YAML_SCALAR && !node->plain && load_is_plain_kind(row->kind))) {
        fp_note_set(note, row->path, "A %s is expected.", config__kind_name(row->kind));
        return load_node_error(note, node, FP_E_CONFIG_INVALID);
    }
    buf_init(&text, LOAD_LIST_TEXT);
    if (list) {
        error = load_list(row, node, &text, note);
    } else if (!yaml_is_null(node)) {
        buf_append_bytes(&text, node->text);
    }
    if (error == FP_OK) {
        error = config__set(&load->config, row, buf_bytes(&text), load->base, note);
    }
    if (error != FP_OK && (note == NULL || note->line == 0)) {
        error = load_node_error(note, node, error);
    }
    buf_done(&text);
    return error;
}

// Every map of the tree; depth is that of the YAML reader at most, and bounded again here.
static enum fp_error load_section(struct load *load, const struct yaml_node *map,
                                  const char *prefix, unsigned depth, struct fp_note *note)
{
    enum fp_error error = FP_OK;
    char path[CONFIG_NAME * 2];
    for (const struct yaml_node *node = map->first; node != NULL && error == FP_OK;
         node = node->next) {
        const struct config_row *row = NULL;
        snprintf(path, sizeof path, "%.60s%s%.60s", prefix, prefix[0] != '\0' ? "." : "",
                 (const char *)node->name.ptr);
        row = config__find(path);
        if (row != NULL) {
            error = load_value(load, row, node, note);
        } else if (!config__is_section(path)) {
            fp_note_set(note, path, "There is no such key; docs/configuration.md lists them.");
            error = FP_E_CONFIG_INVALID;
            if (note != NULL) {
                note->line = node->name_line;
                note->column = node->name_column;
            }
        } else if (node->kind == YAML_MAP && depth < LOAD_DEPTH) {
            error = load_section(load, node, path, depth + 1, note);
        } else if (!yaml_is_null(node)) {
            fp_note_set(note, path, "Keys are expected below it.");
            error = load_node_error(note, node, FP_E_CONFIG_INVALID);
        }
    }
    return error;
}

// api.body_limit <- FISHPLATE_API__BODY_LIMIT
static bool load_env_path(const char *name, size_t length, char out[static CONFIG_NAME])
{
    size_t used = 0;
    for (size_t i = 0; i < length && used + 1 < CONFIG_NAME; i++) {
        char c = name[i];
        if (c == '_' && i + 1 < length && name[i + 1] == '_') {
            out[used++] = '.';
            i++;
        } else if (c >= 'A' && c <= 'Z') {
            out[used++] = (char)(c - 'A' + 'a');
        } else if (c == '_' || (c >= '0' && c <= '9')) {
            out[used++] = c;
        } else {
            return false;
        }
    }
    out[used] = '\0';
    return used + 1 < CONFIG_NAME;
}

static enum fp_error load_env(struct load *load, char *const env[], struct fp_note *note)
{
    const size_t prefix = strlen(ENV_PREFIX);
    for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
        const char *equals = strchr(env[i], '=');
        char path[CONFIG_NAME];
        const struct config_row *row = NULL;
        enum fp_error error = FP_OK;
        if (strncmp(env[i], ENV_PREFIX, prefix) != 0 || equals == NULL) {
            continue;
        }
        if (load_env_path(env[i] + prefix, (size_t)(equals - env[i]) - prefix, path)) {
            row = config__find(path);
        }
        if (row == NULL) {
            fp_note_set(note, "environment", "%.*s stands for no key of the configuration.",
                        (int)(equals - env[i] < 80 ? equals - env[i] : 80), env[i]);
            return FP_E_CONFIG_INVALID;
        }
        load->nodes[row - config_rows] = NULL;
        error = config__set(&load->config, row, bytes_of_text(equals + 1), load->base, note);
        if (error != FP_OK) {
            return error;
        }
    }
    return FP_OK;
}

static enum fp_error load_read(const char *path, struct buf *out, struct fp_note *note)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t got = 0;
    if (fd < 0) {
        fp_note_set(note, "", "%.250s cannot be opened: %m.", path);
        return FP_E_CONFIG_INVALID;
    }
    do {
        uint8_t *space = buf_reserve(out, 4096);
        got = space == NULL ? -1 : read(fd, space, 4096);
        if (got > 0) {
            buf_commit(out, (size_t)got);
        }
    } while (got > 0);
    if (got < 0) {
        fp_note_set(note, "", "%.250s cannot be read, or is larger than %u bytes.", path,
                    (unsigned)FP_LIMIT_CONFIG_FILE);
    }
    close(fd);
    return got < 0 ? FP_E_CONFIG_INVALID : FP_OK;
}

// The folder that the file lies in, without links and dots.
static enum fp_error load_folder(const char *path, char out[static PATH_MAX], struct fp_note *note)
{
    char whole[PATH_MAX];
    char *slash = NULL;
    if (realpath(path, whole) == NULL) {
        fp_note_set(note, "", "%.250s cannot be opened: %m.", path);
        return FP_E_CONFIG_INVALID;
    }
    slash = strrchr(whole, '/');
    if (slash == NULL || slash - whole >= CONFIG_PATH) {
        fp_note_set(note, "", "The path of %.200s is too long.", path);
        return FP_E_CONFIG_INVALID;
    }
    *slash = '\0';
    memcpy(out, whole, (size_t)(slash - whole) + 1);
    return FP_OK;
}

// systemd names the folder of the unit's credentials.
static void load_credentials(struct config *config, char *const env[])
{
    static const char name[] = "CREDENTIALS_DIRECTORY=";
    for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
        const char *folder = env[i] + sizeof name - 1;
        if (strncmp(env[i], name, sizeof name - 1) == 0 && folder[0] == '/' &&
            snprintf(config->key_credential_path, sizeof config->key_credential_path, "%s/%s",
                     folder, config->key_credential) >= CONFIG_PATH) {
            config->key_credential_path[0] = '\0'; // too long to be one
        }
    }
}

// Puts the position of the key's value, where it has one, beside what config__check() found.
static enum fp_error load_check(struct load *load, struct fp_note *note)
{
    enum fp_error error = FP_OK;
    config__derive(&load->config);
    error = config__check(&load->config, note);
    if (error != FP_OK && note != NULL) {
        const struct config_row *row = config__find(note->field);
        if (row != NULL && load->nodes[row - config_rows] != NULL) {
            error = load_node_error(note, load->nodes[row - config_rows], error);
        }
    }
    return error;
}

static void load_start(struct load *load, const char *base)
{
    config_defaults(&load->config, base);
    load->base = base;
    // these follow from others unless they are given
    load->config.public_url[0] = '\0';
    load->config.console_url[0] = '\0';
    load->config.store_file[0] = '\0';
    load->config.store_password_file[0] = '\0';
    load->config.audit_dir[0] = '\0';
    snprintf(load->config.data_dir, sizeof load->config.data_dir, "%.480s/data", base);
}

enum fp_error config_load(const char *path, char *const env[], struct config *out,
                          struct fp_note *note)
{
    struct load *load = mem_alloc(1, sizeof *load);
    struct arena *arena = arena_create((size_t)8 * FP_LIMIT_CONFIG_FILE, false);
    const struct yaml_node *root = NULL;
    struct fp_note unused = {0};
    char base[PATH_MAX];
    struct buf text;
    enum fp_error error = FP_OK;
    buf_init(&text, FP_LIMIT_CONFIG_FILE);
    note = note != NULL ? note : &unused;
    *note = (struct fp_note){0};
    if (load == NULL || arena == NULL) {
        error = FP_E_NO_MEMORY;
        goto out;
    }
    error = load_folder(path, base, note);
    if (error == FP_OK) {
        load_start(load, base);
        error = load_read(path, &text, note);
    }
    if (error == FP_OK && yaml_parse(buf_bytes(&text), arena, &root, note) != FP_OK) {
        error = FP_E_CONFIG_INVALID;
    }
    if (error == FP_OK && root->kind != YAML_MAP) {
        fp_note_set(note, "", "The file is no list of keys.");
        error = load_node_error(note, root, FP_E_CONFIG_INVALID);
    }
    if (error == FP_OK) {
        error = load_section(load, root, "", 0, note);
    }
    if (error == FP_OK) {
        error = load_env(load, env, note);
    }
    if (error == FP_OK) {
        load_credentials(&load->config, env);
        error = load_check(load, note);
    }
    if (error == FP_OK) {
        *out = load->config;
    }
out:
    buf_done(&text);
    arena_free(arena);
    mem_free(load);
    return error;
}
