// Reading one value as its row of the table says.
// SPDX-License-Identifier: Apache-2.0
#include "config/config_int.h"

#include "base/buf.h"
#include "base/networks.h"
#include "config/address.h"

#include <string.h>

struct unit {
    const char *ending; // of the text
    uint64_t factor;    // what it stands for
};

// The longer endings first: "ms" ends with "s" too.
static const struct unit time_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"", 1}};
static const struct unit size_units[] = {{"KiB", 1024}, {"MiB", 1048576}, {"", 1}};
static const struct unit count_units[] = {{"", 1}};

static enum fp_error value_bad(struct fp_note *note, const struct config_row *row,
                               struct bytes text)
{
    fp_note_set(note, row->path, "\"%.*s\" is no %s.", (int)(text.len < 60 ? text.len : 60),
                (const char *)text.ptr, config__kind_name(row->kind));
    return FP_E_CONFIG_INVALID;
}

static const struct unit *value_units(enum config_kind kind)
{
    return kind == CONFIG_KIND_TIME   ? time_units
           : kind == CONFIG_KIND_SIZE ? size_units
                                      : count_units;
}

static enum fp_error value_number(struct config *config, const struct config_row *row,
                                  struct bytes text, struct fp_note *note)
{
    const struct unit *unit = value_units(row->kind);
    uint64_t value = 0;
    while (!bytes_ends_with(text, bytes_of_text(unit->ending))) {
        unit++; // the empty ending fits all
    }
    if (!bytes_to_u64(bytes_slice(text, 0, text.len - strlen(unit->ending)), UINT64_MAX / 60000,
                      &value)) {
        return value_bad(note, row, text);
    }
    value *= unit->factor;
    if (value < row->least || value > row->most) {
        fp_note_set(note, row->path, "%.*s is out of range: %llu to %llu%s.", BYTES_ARG(text),
                    (unsigned long long)row->least, (unsigned long long)row->most,
                    row->kind == CONFIG_KIND_TIME   ? " ms"
                    : row->kind == CONFIG_KIND_SIZE ? " bytes"
                                                    : "");
        return FP_E_CONFIG_INVALID;
    }
    uint32_t narrow = (uint32_t)value;
    memcpy((char *)config + row->offset, &narrow, sizeof narrow);
    return FP_OK;
}

// Into the member's array, whole; the array has its size from the row.
static enum fp_error value_store(const struct config_row *row, struct bytes text, char *out,
                                 struct fp_note *note)
{
    if (!bytes_is_utf8(text) || !bytes_to_text(text, out, row->room)) {
        fp_note_set(note, row->path, "It is longer than %zu bytes, or no text.", row->room - 1);
        return FP_E_CONFIG_INVALID;
    }
    return FP_OK;
}

static enum fp_error value_path(struct config *config, const struct config_row *row,
                                struct bytes text, const char *base, struct fp_note *note)
{
    struct buf whole;
    enum fp_error error = FP_OK;
    buf_init(&whole, CONFIG_PATH + 1024);
    if (text.len != 0 && text.ptr[0] != '/') {
        buf_append_text(&whole, base);
        buf_append_byte(&whole, '/');
    }
    buf_append_bytes(&whole, text);
    error = value_store(row, buf_bytes(&whole), (char *)config + row->offset, note);
    if (error == FP_OK && buf_error(&whole) != FP_OK) {
        error = value_bad(note, row, text);
    }
    buf_done(&whole);
    return error;
}

// scheme://host or scheme://host:port, as browsers send it: nothing behind, no capitals.
static bool value_is_origin(struct bytes text)
{
    struct bytes rest = bytes_starts_with(text, BYTES("https://"))  ? bytes_slice(text, 8, text.len)
                        : bytes_starts_with(text, BYTES("http://")) ? bytes_slice(text, 7, text.len)
                                                                    : BYTES("");
    for (size_t i = 0; i < rest.len; i++) {
        uint8_t c = rest.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-.:[]", c) != NULL) ||
            c == '\0') {
            return false;
        }
    }
    return rest.len != 0;
}

static enum fp_error value_check_entry(const struct config_row *row, const char *entry,
                                       struct fp_note *note)
{
    struct config_address address;
    struct bytes text = bytes_of_text(entry);
    if (row->kind == CONFIG_KIND_ORIGINS) {
        if (!bytes_equal_text(text, "*") && !value_is_origin(text)) {
            fp_note_set(note, row->path, "\"%.100s\" is no origin: write https://app.example.com.",
                        entry);
            return FP_E_CONFIG_INVALID;
        }
        return FP_OK;
    }
    return config_address_parse(entry, &address, note);
}

static enum fp_error value_list(struct config *config, const struct config_row *row,
                                struct bytes text, struct fp_note *note)
{
    char *member = (char *)config + row->offset;
    struct bytes rest = text, piece = {0};
    size_t count = 0;
    enum fp_error error = FP_OK;
    memset(member, 0, row->room * (size_t)row->most);
    while (error == FP_OK && text.len != 0 && bytes_split(&rest, ',', &piece)) {
        char *entry = member + count * row->room;
        if (count == row->most) {
            fp_note_set(note, row->path, "More than %llu entries.", (unsigned long long)row->most);
            return FP_E_CONFIG_INVALID;
        }
        error = value_store(row, bytes_trim(piece), entry, note);
        if (error == FP_OK) {
            error = value_check_entry(row, entry, note);
        }
        for (size_t i = 0; i < count && error == FP_OK; i++) {
            if (strcmp(member + i * row->room, entry) == 0) {
                fp_note_set(note, row->path, "%.100s stands twice.", entry);
                error = FP_E_CONFIG_INVALID;
            }
        }
        count++;
    }
    return error;
}

static enum fp_error value_networks(struct config *config, const struct config_row *row,
                                    struct bytes text, struct fp_note *note)
{
    struct networks networks;
    if (networks_parse(text, &networks, note) != FP_OK) {
        return FP_E_CONFIG_INVALID;
    }
    return value_store(row, text, (char *)config + row->offset, note);
}

static enum fp_error value_bool(struct config *config, const struct config_row *row,
                                struct bytes text, struct fp_note *note)
{
    bool value = bytes_equal_text(text, "true");
    if (!value && !bytes_equal_text(text, "false")) {
        return value_bad(note, row, text);
    }
    memcpy((char *)config + row->offset, &value, sizeof value);
    return FP_OK;
}

static enum fp_error value_level(struct config *config, const struct config_row *row,
                                 struct bytes text, struct fp_note *note)
{
    enum log_level level = LOG_INFO;
    if (!log_level_from_text(text, &level)) {
        return value_bad(note, row, text);
    }
    memcpy((char *)config + row->offset, &level, sizeof level);
    return FP_OK;
}

static enum fp_error value_source(struct config *config, const struct config_row *row,
                                  struct bytes text, struct fp_note *note)
{
    for (size_t i = 0; config_key_sources[i] != NULL; i++) {
        if (bytes_equal_text(text, config_key_sources[i])) {
            return value_store(row, text, (char *)config + row->offset, note);
        }
    }
    return value_bad(note, row, text);
}

static enum fp_error value_listener(struct config *config, const struct config_row *row,
                                    struct bytes text, struct fp_note *note)
{
    char *member = (char *)config + row->offset;
    enum fp_error error = value_store(row, text, member, note);
    return error == FP_OK && text.len != 0 ? value_check_entry(row, member, note) : error;
}

enum fp_error config__set(struct config *config, const struct config_row *row, struct bytes text,
                          const char *base, struct fp_note *note)
{
    enum fp_error error = FP_E_CONFIG_INVALID;
    switch (row->kind) {
    case CONFIG_KIND_PATH:
        error = value_path(config, row, text, base, note);
        break;
    case CONFIG_KIND_TEXT:
        error = value_store(row, text, (char *)config + row->offset, note);
        break;
    case CONFIG_KIND_LISTENERS:
    case CONFIG_KIND_ORIGINS:
        error = value_list(config, row, text, note);
        break;
    case CONFIG_KIND_LISTENER:
        error = value_listener(config, row, text, note);
        break;
    case CONFIG_KIND_NETWORKS:
        error = value_networks(config, row, text, note);
        break;
    case CONFIG_KIND_COUNT:
    case CONFIG_KIND_SIZE:
    case CONFIG_KIND_TIME:
        error = value_number(config, row, text, note);
        break;
    case CONFIG_KIND_BOOL:
        error = value_bool(config, row, text, note);
        break;
    case CONFIG_KIND_LEVEL:
        error = value_level(config, row, text, note);
        break;
    case CONFIG_KIND_SOURCE:
        error = value_source(config, row, text, note);
        break;
    }
    if (error != FP_OK) {
        // whoever found it may not know which key it was
        char reason[sizeof note->text];
        if (note != NULL) {
            memcpy(reason, note->text, sizeof reason);
            fp_note_set(note, row->path, "%s", reason);
        }
    }
    return error;
}
