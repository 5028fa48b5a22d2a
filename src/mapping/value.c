// Reading single values of a source.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/value.h"

#include "base/clock.h"
#include "base/mem.h"
#include "model/number.h"

#include <stdlib.h>
#include <string.h>

// yyjson's reader does not recurse, but one byte of a text that only nests becomes one value: large
// texts are looked at before memory is given to them.
#define VALUE_LARGE (1u << 20)

// yyjson keeps a document's values in one array, each container followed by what it holds.
static bool value_depth_within(yyjson_doc *doc, unsigned most)
{
    const yyjson_val *ends[FP_LIMIT_JSON_DEPTH];
    yyjson_val *at = yyjson_doc_get_root(doc);
    const yyjson_val *end = at + yyjson_doc_get_val_count(doc);
    unsigned depth = 0;
    for (; at < end; at++) {
        while (depth != 0 && ends[depth - 1] == at) {
            depth--;
        }
        if (!yyjson_is_ctn(at)) {
            continue;
        }
        if (depth == most || depth == FP_LIMIT_JSON_DEPTH) {
            return false;
        }
        ends[depth++] = unsafe_yyjson_get_next(at);
    }
    return true;
}

yyjson_doc *value_read(struct bytes text, const yyjson_alc *alc)
{
    yyjson_doc *doc = NULL;
    if (text.len == 0 ||
        (text.len > VALUE_LARGE && !json_depth_within(text, FP_LIMIT_JSON_DEPTH))) {
        return NULL;
    }
    // not in place: yyjson does not write there
    doc = yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, VALUE_READ_FLAGS, alc, NULL);
    if (doc != NULL && !value_depth_within(doc, FP_LIMIT_JSON_DEPTH)) {
        yyjson_doc_free(doc);
        doc = NULL;
    }
    return doc;
}

static yyjson_val *value_step(const struct mapping_step *step, yyjson_val *from)
{
    if (step->name.len == 0) {
        return yyjson_arr_get(from, step->index);
    }
    return yyjson_obj_getn(from, (const char *)step->name.ptr, step->name.len);
}

yyjson_val *value_at(const struct mapping_path *path, yyjson_val *from)
{
    for (unsigned i = 0; i < path->count && from != NULL; i++) {
        from = value_step(&path->steps[i], from);
    }
    return from == NULL || yyjson_is_null(from) ? NULL : from;
}

bool value_text(yyjson_val *value, struct bytes *out)
{
    if (yyjson_is_str(value)) {
        *out = bytes_of(yyjson_get_str(value), yyjson_get_len(value));
        return true;
    }
    if (yyjson_is_raw(value)) {
        *out = bytes_of(yyjson_get_raw(value), yyjson_get_len(value));
        return out->len <= MODEL_NUMBER_MAX;
    }
    return false;
}

yyjson_val *value_tagged(const struct mapping_values *values, struct bytes tag, yyjson_val *value)
{
    struct bytes text = {0};
    if (values->tag.len == 0 || tag.len == 0 || !yyjson_is_obj(value)) {
        return NULL;
    }
    yyjson_val *member = yyjson_obj_getn(value, (const char *)values->tag.ptr, values->tag.len);
    return yyjson_is_str(member) && value_text(member, &text) && bytes_equal(text, tag) ? value
                                                                                        : NULL;
}

static const uint64_t value_part_max[7] = {9999, 12, 31, 23, 59, 59, 999999};

// Reads the members that name parts, which mostly stand in the order of the parts.
static bool value_read_parts(const struct mapping_values *values, yyjson_val *value,
                             uint64_t part[static 7], unsigned *seen_out)
{
    yyjson_obj_iter iter;
    yyjson_val *key = NULL;
    unsigned next = 0;
    (void)yyjson_obj_iter_init(value, &iter);
    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
        struct bytes name = bytes_of(yyjson_get_str(key), yyjson_get_len(key));
        struct bytes text = {0};
        yyjson_val *member = yyjson_obj_iter_get_val(key);
        unsigned at = next;
        if (at >= 7 || !bytes_equal(name, values->parts[at])) {
            for (at = 0; at < 7 && !bytes_equal(name, values->parts[at]); at++) {
            }
        }
        if (at == 7) {
            continue; // the tag
        }
        if (!yyjson_is_raw(member) || !value_text(member, &text) ||
            !bytes_to_u64(text, value_part_max[at], &part[at])) {
            return false;
        }
        *seen_out |= 1u << at;
        next = at + 1;
    }
    return true;
}

static unsigned value_month_days(uint64_t year, uint64_t month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

static bool value_time_parts(const struct mapping_values *values, yyjson_val *value, bool day_only,
                             int64_t *out)
{
    uint64_t part[7] = {0};
    unsigned seen = 0;
    if (!value_read_parts(values, value, part, &seen) || (seen & 7u) != 7u) {
        return false; // hours and below may be missing
    }
    if (day_only) {
        memset(&part[3], 0, 4 * sizeof part[0]);
    }
    if (part[0] < 1 || part[1] < 1 || part[2] < 1 || part[2] > value_month_days(part[0], part[1])) {
        return false;
    }
    int64_t days = clock_days_from_date((int64_t)part[0], (unsigned)part[1], (unsigned)part[2]);
    *out = ((days * 24 + (int64_t)part[3]) * 60 + (int64_t)part[4]) * 60000 +
           (int64_t)part[5] * 1000 + (int64_t)part[6] / 1000;
    return true;
}

bool value_time(const struct mapping_values *values, yyjson_val *value, int64_t *wall_ms_out)
{
    struct bytes text = {0};
    if (yyjson_is_str(value) || yyjson_is_raw(value)) {
        return value_text(value, &text) &&
               value_time_plain(values, text, yyjson_is_raw(value), wall_ms_out);
    }
    if (value_tagged(values, values->datetime, value) != NULL) {
        return value_time_parts(values, value, false, wall_ms_out);
    }
    return value_tagged(values, values->date, value) != NULL &&
           value_time_parts(values, value, true, wall_ms_out);
}

static size_t value_digits(struct bytes text, size_t at)
{
    size_t start = at;
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
        at++;
    }
    return at - start;
}

bool value_number(const struct mapping_values *values, yyjson_val *value, struct bytes *out)
{
    struct bytes text = {0};
    if (value_tagged(values, values->decimal, value) != NULL) {
        value = yyjson_obj_getn(value, (const char *)values->digits.ptr, values->digits.len);
    }
    if (!value_text(value, &text) || !model_number_valid(text)) {
        return false;
    }
    *out = text;
    return true;
}

bool value_boolean(yyjson_val *value, bool *out)
{
    struct bytes text = {0};
    if (yyjson_is_bool(value)) {
        *out = yyjson_get_bool(value);
        return true;
    }
    if (!yyjson_is_raw(value) || !value_text(value, &text)) {
        return false;
    }
    *out = bytes_equal_text(text, "1");
    return *out || bytes_equal_text(text, "0");
}

bool value_is_integer(struct bytes text)
{
    return text.len != 0 && text.len <= 18 && value_digits(text, 0) == text.len &&
           (text.len == 1 || text.ptr[0] != '0');
}

// Digits of a plain number with the point after the first `whole` of them.
static void value_place_point(struct bytes digits, long whole, struct buf *out)
{
    long count = (long)digits.len;
    long start = 0;
    while (start < whole - 1 && (start >= count || digits.ptr[start] == '0')) {
        start++;
    }
    if (whole <= 0) {
        buf_append_text(out, "0.");
        for (long i = whole; i < 0; i++) {
            buf_append_byte(out, '0');
        }
        buf_append_bytes(out, digits);
        return;
    }
    for (long i = start; i < count || i < whole; i++) {
        if (i == whole) {
            buf_append_byte(out, '.');
        }
        buf_append_byte(out, i < count ? digits.ptr[i] : '0');
    }
}

void value_shifted(struct bytes number, int shift, struct buf *out)
{
    uint8_t digits[MODEL_NUMBER_MAX];
    size_t count = 0;
    size_t at = 0;
    size_t point = 0;
    bool exponent = bytes_find(number, 'e', &at) || bytes_find(number, 'E', &at);
    if (shift == 0 || number.len > MODEL_NUMBER_MAX) {
        buf_append_bytes(out, number);
        return;
    }
    if (exponent) {
        long power = strtol((const char *)number.ptr + at + 1, NULL, 10) + shift;
        buf_append_bytes(out, bytes_slice(number, 0, at));
        buf_printf(out, "e%ld", power);
        return;
    }
    bool minus = number.len != 0 && number.ptr[0] == '-';
    point = number.len;
    (void)bytes_find(number, '.', &point);
    for (size_t i = minus ? 1 : 0; i < number.len; i++) {
        if (i != point) {
            digits[count++] = number.ptr[i];
        }
    }
    if (minus) {
        buf_append_byte(out, '-');
    }
    value_place_point(bytes_of(digits, count), (long)(point - (minus ? 1 : 0)) + shift, out);
}

void value_put_time(const struct mapping_values *values, int64_t wall_ms, bool day, struct buf *out)
{
    int64_t days = wall_ms / VALUE_DAY_MS - (wall_ms % VALUE_DAY_MS < 0 ? 1 : 0);
    int64_t rest = wall_ms - days * VALUE_DAY_MS;
    struct json_out j = json_out_start(out);
    int64_t part[7] = {0};
    unsigned month = 0;
    unsigned date = 0;
    if (values->tag.len == 0) {
        bool number = values->time == TIME_UNIX || values->time == TIME_UNIX_MS;
        buf_append_text(out, number ? "" : "\"");
        value_time_text(values, wall_ms, day, out);
        buf_append_text(out, number ? "" : "\"");
        return;
    }
    clock_date_from_days(days, &part[0], &month, &date);
    part[1] = month;
    part[2] = date;
    part[3] = rest / 3600000;
    part[4] = rest / 60000 % 60;
    part[5] = rest / 1000 % 60;
    part[6] = rest % 1000 * 1000;
    json_begin_object(&j);
    json_name_bytes(&j, values->tag);
    json_text(&j, day ? values->date : values->datetime);
    for (unsigned i = 0; i < (day ? 3u : 7u); i++) {
        json_name_bytes(&j, values->parts[i]);
        json_i64(&j, part[i]);
    }
    json_end_object(&j);
}

void value_put_decimal(const struct mapping_values *values, struct bytes number, int shift,
                       struct buf *out)
{
    struct json_out j = json_out_start(out);
    if (values->tag.len == 0) {
        value_shifted(number, shift, out);
        return;
    }
    json_begin_object(&j);
    json_name_bytes(&j, values->tag);
    json_text(&j, values->decimal);
    json_name_bytes(&j, values->digits);
    json_raw(&j, BYTES("\""));
    value_shifted(number, shift, out);
    buf_append_byte(out, '"');
    json_end_object(&j);
}

static void *value_heap_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return mem_resize(NULL, size); // as malloc(): yyjson fills what it asks for
}

static void *value_heap_realloc(void *ctx, void *old, size_t old_size, size_t size)
{
    (void)ctx;
    (void)old_size;
    return mem_resize(old, size);
}

static void value_heap_free(void *ctx, void *block)
{
    (void)ctx;
    mem_free(block);
}

enum fp_error value_put_json(const yyjson_val *value, struct buf *out)
{
    static const yyjson_alc heap = {value_heap_malloc, value_heap_realloc, value_heap_free, NULL};
    size_t len = 0;
    char *text = yyjson_val_write_opts(value, YYJSON_WRITE_NOFLAG, &heap, &len, NULL);
    if (text == NULL) {
        return FP_E_NO_MEMORY;
    }
    buf_append(out, text, len);
    mem_free(text);
    return FP_OK;
}
