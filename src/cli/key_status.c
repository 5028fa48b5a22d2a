// fishplate key status: the data keys with their ages and counts. The ids stand in --json: they are
// too wide for a table.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "link/link.h"

static const struct cli_column key_status_columns[] = {
    {"CUSTOMER", "customer"},  {"VER", "version"}, {"STATE", "state"},
    {"CREATED", "created_at"}, {"DUE", "due_at"},  {"COUNT", "encryptions"},
    {"DUE BY", "due"},         {.title = NULL},
};

static enum fp_error key_status_page(const struct cli *cli, struct bytes after, struct buf *frame)
{
    struct link_key_status question = {.call = 1, .actor = cli_actor(), .after = after};
    (void)cli;
    return link_put_key_status(frame, &question);
}

enum cli_exit cli_key_status(const struct cli *cli)
{
    return cli_print_pages(cli, key_status_page, key_status_columns);
}
