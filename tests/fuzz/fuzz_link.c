// A taken-over room sends the vault any bytes: every frame is refused or decoded, never more.
// SPDX-License-Identifier: Apache-2.0
#include "link/link.h"

#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(void *ctx, const struct link_frame *frame)
{
    union {
        struct link_call call;
        struct link_cancel cancel;
        struct link_token_request request;
        struct link_authorize authorize;
        struct link_connection_create create;
        struct link_metadata_set set;
        struct link_connect_open open;
        struct link_connect_send send;
        struct link_connect_link_create link;
        struct link_webhook_create webhook;
    } m;
    enum fp_error error = FP_OK;
    (void)ctx;
    switch (frame->number) {
    case LINK_CALL:
        error = link_get_call(frame->body, &m.call);
        break;
    case LINK_CANCEL:
        error = link_get_cancel(frame->body, &m.cancel);
        break;
    case LINK_TOKEN_REQUEST:
        error = link_get_token_request(frame->body, &m.request);
        break;
    case LINK_CONNECTION_CREATE:
        error = link_get_connection_create(frame->body, &m.create);
        break;
    case LINK_METADATA_SET:
        error = link_get_metadata_set(frame->body, &m.set);
        break;
    case LINK_AUTHORIZE:
        error = link_get_authorize(frame->body, &m.authorize);
        break;
    case LINK_CONNECT_OPEN:
        error = link_get_connect_open(frame->body, &m.open);
        break;
    case LINK_CONNECT_SEND:
        error = link_get_connect_send(frame->body, &m.send);
        break;
    case LINK_CONNECT_LINK_CREATE:
        error = link_get_connect_link_create(frame->body, &m.link);
        break;
    case LINK_WEBHOOK_CREATE:
        error = link_get_webhook_create(frame->body, &m.webhook);
        break;
    default:
        __builtin_trap(); // no other message may come from the gateway
    }
    if (error != FP_OK && error != FP_E_MESSAGE_INVALID) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        return 0;
    }
    struct link *link = link_create(pair[0], LINK_ROOM_VAULT, LINK_ROOM_GATEWAY);
    struct buf hello;
    buf_init(&hello, 100);
    if (link != NULL &&
        link_put_hello(&hello, &(struct link_hello){LINK_VERSION, BYTES("gateway")}) == FP_OK &&
        write(pair[1], hello.ptr, hello.len) == (ssize_t)hello.len &&
        write(pair[1], data, size) == (ssize_t)size) {
        enum fp_error error = FP_OK;
        shutdown(pair[1], SHUT_WR);
        while (error == FP_OK) {
            error = link_read(link, decode, NULL);
        }
    }
    buf_done(&hello);
    link_free(link);
    close(pair[1]);
    return 0;
}
