// Long lists: asks the server page after page and prints the whole as one table or one JSON array.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include <stdio.h>

// Where a page ends, as the server says it.
#define PAGES_AFTER 64
// What a command's memory may take; the server's pages are bounded by themselves.
#define PAGES_BYTES ((size_t)1 << 30)

// One page behind the given place; its rows without the brackets go to out.
static enum cli_exit pages_take(const struct cli *cli, cli_page *page,
                                char after[static PAGES_AFTER], struct buf *out)
{
    struct buf frame = cli_question();
    struct cli_answer answer = {0};
    struct bytes rows = {0};
    enum cli_exit result = CLI_OK;
    if (page(cli, bytes_of_text(after), &frame) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    rows = buf_bytes(&answer.data);
    if (result == CLI_OK && rows.len > 2) {
        if (out->len > 1) {
            buf_append_byte(out, ',');
        }
        buf_append_bytes(out, bytes_slice(rows, 1, rows.len - 2));
    }
    snprintf(after, PAGES_AFTER, "%s", answer.next);
    cli_answer_done(&answer);
    return result == CLI_OK && buf_error(out) != FP_OK ? CLI_FAILED : result;
}

enum cli_exit cli_take_pages(const struct cli *cli, cli_page *page, struct buf *rows)
{
    char after[PAGES_AFTER] = "";
    enum cli_exit result = CLI_OK;
    buf_append_byte(rows, '[');
    do {
        result = pages_take(cli, page, after, rows);
    } while (result == CLI_OK && after[0] != '\0');
    buf_append_byte(rows, ']');
    return result;
}

enum cli_exit cli_print_pages(const struct cli *cli, cli_page *page,
                              const struct cli_column *columns)
{
    struct buf rows;
    enum cli_exit result = CLI_OK;
    buf_init(&rows, PAGES_BYTES);
    result = cli_take_pages(cli, page, &rows);
    if (result == CLI_OK) {
        result = cli_print_table(cli, buf_bytes(&rows), columns);
    }
    buf_done(&rows);
    return result;
}
