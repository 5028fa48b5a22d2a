// Asking a person at the terminal.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static bool confirm_read_line(int fd, struct buf *out)
{
    char c = 0;
    size_t before = out->len;
    while (out->len - before < LINE_MAX_BYTES && read(fd, &c, 1) == 1) {
        if (c == '\n') {
            return buf_error(out) == FP_OK;
        }
        buf_append_byte(out, (uint8_t)c);
    }
    return false;
}

enum fp_error cli_read_hidden(const char *prompt, bool hidden, struct buf *out)
{
    struct termios shown, quiet;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool good = false;
    if (fd < 0 || tcgetattr(fd, &shown) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return FP_E_IO_FAILED;
    }
    quiet = shown;
    if (hidden) {
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
        quiet.c_lflag |= ECHONL;
    }
    // the prompt comes last: what is typed as an answer to it is not thrown away
    if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
        dprintf(fd, "%s: ", prompt);
        good = confirm_read_line(fd, out);
        (void)tcsetattr(fd, TCSAFLUSH, &shown);
    }
    close(fd);
    return good ? FP_OK : FP_E_IO_FAILED;
}

bool cli_confirm(const struct cli *cli, const char *what, const char *word)
{
    struct buf line;
    bool agreed = false;
    char prompt[256];
    if (cli_value(cli, "yes") != NULL) {
        return true;
    }
    if (cli->json || isatty(STDIN_FILENO) == 0) {
        (void)cli_usage_error("%s cannot be undone: say --yes.", what);
        return false;
    }
    buf_init(&line, LINE_MAX_BYTES);
    snprintf(prompt, sizeof prompt, "%s cannot be undone. Type \"%s\" to go on", what, word);
    agreed = cli_read_hidden(prompt, false, &line) == FP_OK &&
             bytes_equal_text(bytes_trim(buf_bytes(&line)), word);
    buf_done(&line);
    if (!agreed) {
        fputs("Nothing was changed.\n", stderr);
    }
    return agreed;
}
