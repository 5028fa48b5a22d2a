// What the commands print: tables and lines for people, JSON for programs, errors with their next
// step. SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "base/json_out.h"
#include "cli/json_memory.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define OUTPUT_COLUMNS 10
#define CELL_MAX       512 // bytes of one cell
#define CELL_LEAST     8   // columns that a cell keeps at least

static enum cli_exit output_exit_of(enum fp_error error)
{
    switch (error) {
    case FP_OK:
        return CLI_OK;
    case FP_E_NOT_RUNNING:
        return CLI_NOT_RUNNING;
    case FP_E_APPLICATION_NOT_FOUND:
    case FP_E_CONNECTION_NOT_FOUND:
    case FP_E_TOKEN_NOT_FOUND:
    case FP_E_CUSTOMER_NOT_FOUND:
    case FP_E_STORE_NOT_FOUND:
    case FP_E_RECORD_NOT_FOUND:
        return CLI_NOT_FOUND;
    case FP_E_CONFIG_INVALID:
    case FP_E_KEY_INVALID:
        return CLI_USAGE;
    default:
        return CLI_FAILED;
    }
}

static void output_json_trouble(const struct cli_trouble *trouble)
{
    const struct fp_error_row *row = fp_error_row(trouble->error);
    const struct fp_note *note = trouble->note;
    struct buf text;
    struct json_out j;
    buf_init(&text, 65536);
    j = json_out_start(&text);
    json_begin_object(&j);
    json_member_text_c(&j, "code", row->code);
    json_member_text_c(&j, "message", row->message);
    json_member_text_c(&j, "next_step", row->next_step);
    if (note != NULL && note->text[0] != '\0') {
        json_member_text_c(&j, "field", note->field);
        json_member_text_c(&j, "reason", note->text);
        json_member_i64(&j, "line", note->line);
        json_member_i64(&j, "column", note->column);
    }
    json_name(&j, "details");
    json_raw(&j, trouble->detail.len != 0 ? trouble->detail : BYTES("null"));
    json_name(&j, "errors");
    json_raw(&j, trouble->errors.len != 0 ? trouble->errors : BYTES("null"));
    json_end_object(&j);
    fprintf(stderr, "%s\n", buf_text(&text));
    buf_done(&text);
}

// A value as people read it; control characters, which could steer a terminal, become '?'.
static void output_value(yyjson_val *value, char *out, size_t size)
{
    if (value == NULL || yyjson_is_null(value)) {
        out[0] = '\0';
    } else if (yyjson_is_str(value)) {
        snprintf(out, size, "%s", yyjson_get_str(value));
    } else if (yyjson_is_bool(value)) {
        snprintf(out, size, "%s", yyjson_get_bool(value) ? "yes" : "no");
    } else if (yyjson_is_int(value)) {
        snprintf(out, size, "%lld", (long long)yyjson_get_sint(value));
    } else {
        snprintf(out, size, "%s", yyjson_is_arr(value) ? "[...]" : "{...}");
    }
    for (char *c = out; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
}

// An entry of `errors` names a field and a reason; anything else is shown by its members.
static void output_detail(yyjson_val *value)
{
    size_t index = 0, max = 0;
    yyjson_val *name = NULL, *member = NULL;
    char text[CELL_MAX];
    if (!yyjson_is_obj(value)) {
        output_value(value, text, sizeof text);
        fprintf(stderr, "  %s\n", text);
        return;
    }
    yyjson_obj_foreach(value, index, max, name, member)
    {
        output_value(member, text, sizeof text);
        fprintf(stderr, "  %s: %s\n", yyjson_get_str(name), text);
    }
}

static void output_details(struct bytes text)
{
    struct cli_json json = {0};
    size_t index = 0, max = 0;
    yyjson_val *value = NULL;
    if (cli_json_read(text, &json) != FP_OK) {
        return; // there are none
    }
    if (yyjson_is_arr(json.root)) {
        yyjson_arr_foreach(json.root, index, max, value)
        {
            output_detail(value);
        }
    } else {
        output_detail(json.root);
    }
    cli_json_done(&json);
}

enum cli_exit cli_trouble_tell(const struct cli *cli, const struct cli_trouble *trouble)
{
    const struct fp_error_row *row = fp_error_row(trouble->error);
    const struct fp_note *note = trouble->note;
    if (cli->json) {
        output_json_trouble(trouble);
        return output_exit_of(trouble->error);
    }
    fprintf(stderr, "fishplate: %s (%s)\n", row->message, row->code);
    if (note != NULL && note->text[0] != '\0') {
        fputs("  ", stderr);
        if (note->line != 0) {
            fprintf(stderr, "line %u, column %u: ", note->line, note->column);
        }
        fprintf(stderr, "%s%s%s\n", note->field, note->field[0] != '\0' ? ": " : "", note->text);
    }
    output_details(trouble->detail);
    output_details(trouble->errors);
    fprintf(stderr, "%s\n", row->next_step);
    return output_exit_of(trouble->error);
}

enum cli_exit cli_note_tell(const struct cli *cli, enum fp_error error, const struct fp_note *note)
{
    struct cli_trouble trouble = {.error = error, .note = note};
    return cli_trouble_tell(cli, &trouble);
}

// ---------------------------------------------------------------- tables

// Columns that a UTF-8 text takes on a terminal: one a character, which is near enough for names.
static size_t output_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

// The width of the terminal; without one nothing is cut.
static size_t output_room(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) {
        return SIZE_MAX;
    }
    return size.ws_col;
}

static void output_cell(const char *text, size_t width, bool last)
{
    size_t columns = output_width(text), shown = 0;
    bool cut = columns > width;
    for (; *text != '\0'; text++) {
        bool starts = ((unsigned char)*text & 0xc0) != 0x80;
        if (starts && cut && shown + 1 == width) {
            break;
        }
        shown += starts;
        putchar(*text);
    }
    if (cut) {
        fputs("…", stdout);
        shown++;
    }
    for (; shown < width && !last; shown++) {
        putchar(' ');
    }
    fputs(last ? "\n" : "  ", stdout);
}

// Takes from the widest column until all fit; never from the first, which is what people copy.
static void output_fit(size_t widths[], size_t count)
{
    size_t room = output_room(), total = 0; // the last column has no gap behind it
    for (size_t i = 0; i < count; i++) {
        total += widths[i] + (i + 1 < count ? 2 : 0);
    }
    while (total > room) {
        size_t widest = count > 1 ? 1 : 0;
        for (size_t i = 2; i < count; i++) {
            widest = widths[i] > widths[widest] ? i : widest;
        }
        if (widest == 0 || widths[widest] <= CELL_LEAST) {
            break;
        }
        widths[widest]--;
        total--;
    }
}

static void output_rows(yyjson_val *array, const struct cli_column *columns)
{
    size_t widths[OUTPUT_COLUMNS] = {0}, count = 0, index = 0, max = 0;
    yyjson_val *row = NULL;
    char text[CELL_MAX];
    while (count < OUTPUT_COLUMNS && columns[count].title != NULL) {
        widths[count] = output_width(columns[count].title);
        count++;
    }
    yyjson_arr_foreach(array, index, max, row)
    {
        for (size_t i = 0; i < count; i++) {
            output_value(yyjson_obj_get(row, columns[i].member), text, sizeof text);
            widths[i] = output_width(text) > widths[i] ? output_width(text) : widths[i];
        }
    }
    output_fit(widths, count);
    for (size_t i = 0; i < count; i++) {
        output_cell(columns[i].title, widths[i], i + 1 == count);
    }
    yyjson_arr_foreach(array, index, max, row)
    {
        for (size_t i = 0; i < count; i++) {
            output_value(yyjson_obj_get(row, columns[i].member), text, sizeof text);
            output_cell(text, widths[i], i + 1 == count);
        }
    }
}

static void output_lines(yyjson_val *object, const struct cli_column *columns)
{
    size_t widest = 0;
    char text[CELL_MAX];
    for (size_t i = 0; columns[i].title != NULL; i++) {
        widest = strlen(columns[i].title) > widest ? strlen(columns[i].title) : widest;
    }
    for (size_t i = 0; columns[i].title != NULL; i++) {
        yyjson_val *value = yyjson_obj_get(object, columns[i].member);
        if (value != NULL) {
            output_value(value, text, sizeof text);
            printf("%-*s  %s\n", (int)widest, columns[i].title, text);
        }
    }
}

static enum cli_exit output_print(const struct cli *cli, struct bytes data,
                                  void (*print)(yyjson_val *, const struct cli_column *),
                                  const struct cli_column *columns)
{
    struct cli_json json = {0};
    if (cli->json) {
        fwrite(data.ptr, 1, data.len, stdout);
        fputc('\n', stdout);
        return CLI_OK;
    }
    if (cli_json_read(data, &json) != FP_OK) {
        fputs("fishplate: the answer is not JSON.\n", stderr);
        return CLI_FAILED;
    }
    print(json.root, columns);
    cli_json_done(&json);
    return CLI_OK;
}

enum cli_exit cli_print_table(const struct cli *cli, struct bytes data,
                              const struct cli_column *columns)
{
    return output_print(cli, data, output_rows, columns);
}

enum cli_exit cli_print_object(const struct cli *cli, struct bytes data,
                               const struct cli_column *columns)
{
    return output_print(cli, data, output_lines, columns);
}
