// The set of definitions: built-in ones, then those of a directory.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/set.h"

#include "base/limits.h"
#include "base/mem.h"
#include "mapping/builtin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mapping_set {
    struct mapping *items[FP_LIMIT_CONNECTORS]; // owned, by the name of the platform
    size_t count;                               // of items
};

static enum fp_error set_add(struct mapping_set *set, struct mapping *mapping)
{
    size_t at = 0;
    while (at < set->count && strcmp(set->items[at]->platform, mapping->platform) < 0) {
        at++;
    }
    if (at < set->count && strcmp(set->items[at]->platform, mapping->platform) == 0) {
        mapping_free(set->items[at]);
        set->items[at] = mapping;
        return FP_OK;
    }
    if (set->count == FP_LIMIT_CONNECTORS) {
        mapping_free(mapping);
        return FP_E_LIMIT_EXCEEDED;
    }
    for (size_t i = set->count; i > at; i--) {
        set->items[i] = set->items[i - 1];
    }
    set->items[at] = mapping;
    set->count++;
    return FP_OK;
}

static void set_note_file(struct fp_note *note, const char *path)
{
    if (note != NULL) {
        (void)snprintf(note->field, sizeof note->field, "%.*s", (int)sizeof note->field - 1, path);
    }
}

static enum fp_error set_add_builtins(struct mapping_set *set, struct fp_note *note)
{
    for (size_t i = 0; i < mapping_builtin_count; i++) {
        struct mapping *mapping = NULL;
        enum fp_error error = mapping_load(mapping_builtins[i].text, &mapping, note);
        if (error != FP_OK) {
            set_note_file(note, mapping_builtins[i].file);
            return error;
        }
        error = set_add(set, mapping);
        if (error != FP_OK) {
            return error;
        }
    }
    return FP_OK;
}

static enum fp_error set_read(const char *path, struct buf *out, struct fp_note *note)
{
    struct stat st;
    ssize_t got = 0;
    uint8_t *room = NULL;
    enum fp_error error = FP_E_IO_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        fp_note_set(note, path, "Cannot be read: %s.", fd < 0 ? strerror(errno) : "not a file");
        goto out;
    }
    do {
        buf_commit(out, (size_t)got);
        room = buf_reserve(out, 65536);
        got = room != NULL ? read(fd, room, 65536) : -1;
    } while (got > 0);
    error = got == 0 ? FP_OK : FP_E_IO_FAILED;
    if (room == NULL) {
        error = FP_E_DEFINITION_INVALID;
        fp_note_set(note, path, "The file is larger than 1 MiB.");
    } else if (got < 0) {
        fp_note_set(note, path, "Cannot be read: %s.", strerror(errno));
    }
out:
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

enum fp_error mapping_load_file(const char *path, struct mapping **out, struct fp_note *note)
{
    struct buf text;
    buf_init(&text, FP_LIMIT_DEFINITION_FILE + 65536);
    enum fp_error error = set_read(path, &text, note);
    if (error == FP_OK) {
        error = mapping_load(buf_bytes(&text), out, note);
        if (error != FP_OK) {
            set_note_file(note, path);
        }
    }
    buf_done(&text);
    return error;
}

static enum fp_error set_add_directory(struct mapping_set *set, const char *directory,
                                       struct fp_note *note)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry = NULL;
    enum fp_error error = FP_OK;
    if (dir == NULL) {
        fp_note_set(note, directory, "Cannot be read: %s.", strerror(errno));
        return FP_E_IO_FAILED;
    }
    while (error == FP_OK && (entry = readdir(dir)) != NULL) {
        char path[4096];
        struct mapping *mapping = NULL;
        if (entry->d_name[0] == '.' ||
            !bytes_ends_with(bytes_of_text(entry->d_name), BYTES(".yaml"))) {
            continue;
        }
        int len = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (len < 0 || (size_t)len >= sizeof path) {
            error = FP_E_IO_FAILED;
            break;
        }
        error = mapping_load_file(path, &mapping, note);
        if (error == FP_OK) {
            error = set_add(set, mapping);
        }
    }
    closedir(dir);
    return error;
}

enum fp_error mapping_set_load(const char *directory, struct mapping_set **out,
                               struct fp_note *note)
{
    struct mapping_set *set = mem_alloc(1, sizeof *set);
    if (set == NULL) {
        return FP_E_NO_MEMORY;
    }
    enum fp_error error = set_add_builtins(set, note);
    if (error == FP_OK && directory != NULL && directory[0] != '\0') {
        error = set_add_directory(set, directory, note);
    }
    if (error == FP_OK) {
        *out = set;
        set = NULL; // moved
    }
    mapping_set_free(set);
    return error;
}

void mapping_set_free(struct mapping_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        mapping_free(set->items[i]);
    }
    mem_free(set);
}

const struct mapping *mapping_set_find(const struct mapping_set *set, struct bytes platform)
{
    for (size_t i = 0; i < set->count; i++) {
        if (bytes_equal_text(platform, set->items[i]->platform)) {
            return set->items[i];
        }
    }
    return NULL;
}

const struct mapping *mapping_set_at(const struct mapping_set *set, size_t index)
{
    return index < set->count ? set->items[index] : NULL;
}

static void describe_credential(struct json_out *j, const struct mapping_credential *c)
{
    static const char *const kinds[] = {"text", "url", "secret"};
    json_begin_object(j);
    json_member_text_c(j, "name", c->name);
    json_member_text_c(j, "label", c->label);
    json_member_text_c(j, "kind", kinds[c->kind]);
    json_member_bool(j, "required", !c->optional);
    json_member_i64(j, "max", c->max);
    json_member_text_c(j, "help", c->help);
    json_member_text_c(j, "example", c->example);
    json_end_object(j);
}

static void describe_entities(struct json_out *j, const struct mapping *mapping)
{
    json_name(j, "entities");
    json_begin_array(j);
    for (size_t i = 0; i < MODEL_RESOURCE_COUNT; i++) {
        if (mapping->resources[i] != NULL) {
            json_text_c(j, model_resources[i].path);
        }
    }
    for (unsigned i = 0; i < mapping->enumeration_count; i++) {
        if (mapping->enumerations[i].serves != NULL) {
            json_text_c(j, mapping->enumerations[i].serves->path);
        }
    }
    json_end_array(j);
}

void mapping_describe(struct json_out *j, const struct mapping *mapping)
{
    static const char *const domains[] = {"eam", "erp", "wms"};
    json_begin_object(j);
    json_member_text_c(j, "key", mapping->platform);
    json_member_text_c(j, "name", mapping->title);
    json_member_text_c(j, "description", mapping->about);
    json_member_text_c(j, "versions", mapping->versions);
    json_member_text_c(j, "proof", mapping_proof_name(mapping->proof));
    json_name(j, "categories");
    json_begin_array(j);
    for (unsigned i = 0; i < 3; i++) {
        if ((mapping->domains & 1u << i) != 0) {
            json_text_c(j, domains[i]);
        }
    }
    json_end_array(j);
    json_name(j, "credentials");
    json_begin_array(j);
    for (unsigned i = 0; i < mapping->credential_count; i++) {
        describe_credential(j, &mapping->credentials[i]);
    }
    json_end_array(j);
    describe_entities(j, mapping);
    json_end_object(j);
}
