// A taken-over room sends the vault any bytes: every frame is refused or decoded, never more.
// SPDX-License-Identifier: Apache-2.0
#include "link/link.h"

#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(void *ctx, const struct link_frame *frame)
{
    struct link_call call;
    struct link_cancel cancel;
    struct link_token_request request;
    struct link_connection_create create;
    struct link_metadata_set set;
    enum fp_error error = FP_OK;
    (void)ctx;
    switch (frame->number) {
    case LINK_CALL:
        error = link_get_call(frame->body, &call);
        break;
    case LINK_CANCEL:
        error = link_get_cancel(frame->body, &cancel);
        break;
    case LINK_TOKEN_REQUEST:
        error = link_get_token_request(frame->body, &request);
        break;
    case LINK_CONNECTION_CREATE:
        error = link_get_connection_create(frame->body, &create);
        break;
    case LINK_METADATA_SET:
        error = link_get_metadata_set(frame->body, &set);
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
