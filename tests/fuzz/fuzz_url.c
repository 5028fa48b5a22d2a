// URLs: whatever passes has a host without separators, and means the same when read again from its
// parts. SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"
#include "client/url.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(const struct client_url *url)
{
    for (size_t i = 0; i < url->host.len; i++) {
        uint8_t c = url->host.ptr[i];
        if (c <= 0x20 || c >= 0x7f || strchr("@/?#%[]", c) != NULL || (c == ':' && !url->v6)) {
            __builtin_trap();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_url url, again;
    struct fp_note note = {0};
    struct buf text;
    if (client_url_check(bytes_of(data, size), &url, &note) != FP_OK) {
        if (note.text[0] == '\0') {
            __builtin_trap();
        }
        return 0;
    }
    check_host(&url);
    buf_init(&text, 2 * size + 64);
    buf_printf(&text, "%s://%s", url.tls ? "https" : "http", url.v6 ? "[" : "");
    buf_append_bytes(&text, url.host);
    buf_printf(&text, "%s:%u", url.v6 ? "]" : "", (unsigned)url.port);
    buf_append_bytes(&text, url.path);
    if (size < 2000 &&
        (client_url_check(buf_bytes(&text), &again, &note) != FP_OK ||
         !client_url_same_origin(&url, &again) || !bytes_equal(url.path, again.path))) {
        __builtin_trap();
    }
    buf_done(&text);
    return 0;
}
