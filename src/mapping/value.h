// Values of a source, read by the form that the definition names, and written as JSON of ours.
// Numbers stay as the source wrote them. SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_VALUE_H
#define FP_MAPPING_VALUE_H

#include "base/json_out.h"
#include "mapping/definition.h"

#include <yyjson.h>

// Answers are parsed with this flag: numbers keep their text.
#define VALUE_READ_FLAGS YYJSON_READ_NUMBER_AS_RAW
#define VALUE_DAY_MS     86400000

// An answer's document, or NULL where it is no JSON, nests deeper than JSON_DEPTH, or memory is
// out.
yyjson_doc *value_read(struct bytes text, const yyjson_alc *alc);
// What stands at the path, NULL where nothing or null does.
yyjson_val *value_at(const struct mapping_path *path, yyjson_val *from);
// A text, or the digits of a number; false for anything else. The view lives as long as the value.
bool value_text(yyjson_val *value, struct bytes *out);
// A typed value's inside ({"__class__": "Decimal", ...}), where tag fits; NULL otherwise.
yyjson_val *value_tagged(const struct mapping_values *values, struct bytes tag, yyjson_val *value);
// Milliseconds since 1970 of a date or a date and time, typed or as RFC 3339 text.
bool value_time(const struct mapping_values *values, yyjson_val *value, int64_t *wall_ms_out);
// The text of a number: JSON's, checked.
bool value_number(const struct mapping_values *values, yyjson_val *value, struct bytes *out);
bool value_boolean(yyjson_val *value, bool *out);
// A whole number without sign, for keys.
bool value_is_integer(struct bytes text);
// Writes number with its point moved shift digits to the right; negative: to the left.
void value_shifted(struct bytes number, int shift, struct buf *out);
// Appends a date, or a date and time, as the source writes times without a type; no quotes.
void value_time_text(const struct mapping_values *values, int64_t wall_ms, bool day,
                     struct buf *out);
// Reads such a time; number: it was written as a JSON number.
bool value_time_plain(const struct mapping_values *values, struct bytes text, bool number,
                      int64_t *wall_ms_out);
// Milliseconds that such a time is exact to.
int64_t value_time_unit(const struct mapping_values *values);
// Appends a date, or a date and time, in the source's typed form; without a type where it has
// none.
void value_put_time(const struct mapping_values *values, int64_t wall_ms, bool day,
                    struct buf *out);
// Appends a decimal in the source's typed form, its point moved as by value_shifted().
void value_put_decimal(const struct mapping_values *values, struct bytes number, int shift,
                       struct buf *out);
// Appends the value as it was read, as JSON.
enum fp_error value_put_json(const yyjson_val *value, struct buf *out);

#endif
