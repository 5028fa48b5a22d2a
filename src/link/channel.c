// Packets with a descriptor.
// SPDX-License-Identifier: Apache-2.0
#include "link/channel.h"

#include "link/link_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union channel_control {
    struct cmsghdr header;                  // for its alignment
    uint8_t space[CMSG_SPACE(sizeof(int))]; // one descriptor
};

enum fp_error channel_pair(int *supervisor_out, int *room_out)
{
    int pair[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return FP_E_IO_FAILED;
    }
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
        close(pair[0]);
        close(pair[1]);
        return FP_E_IO_FAILED;
    }
    *supervisor_out = pair[0];
    *room_out = pair[1];
    return FP_OK;
}

static enum fp_error channel_error(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return FP_E_AGAIN;
    }
    return errno == EPIPE || errno == ECONNRESET ? FP_E_LINK_CLOSED : FP_E_IO_FAILED;
}

enum fp_error channel_send(int fd, struct bytes frame, int passed)
{
    union channel_control control = {0};
    struct iovec piece = {(void *)(uintptr_t)frame.ptr, frame.len};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t sent = 0;
    if (frame.len > CHANNEL_PACKET) {
        return FP_E_LIMIT_EXCEEDED;
    }
    if (passed >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(&control.header), &passed, sizeof passed);
    }
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? channel_error() : FP_OK;
}

// The rules of link.def for one packet.
static enum fp_error channel_check(enum link_room me, enum link_room peer, size_t length,
                                   struct channel_packet *packet)
{
    struct bytes have = bytes_of(packet->data, length);
    struct link_reader r = {have, true};
    size_t said = (size_t)link_reader_number(&r, 4);
    unsigned number = (unsigned)link_reader_number(&r, 2);
    unsigned zero = (unsigned)link_reader_number(&r, 2);
    const struct link_rule *rule = link_rule(number);
    if (!r.good || said != length || zero != 0 || rule == NULL || length < rule->least ||
        length > rule->most || (rule->from >> peer & 1u) == 0 || (rule->to >> me & 1u) == 0) {
        return FP_E_MESSAGE_INVALID;
    }
    packet->frame = (struct link_frame){(enum link_number)number, r.rest};
    return FP_OK;
}

enum fp_error channel_receive(int fd, enum link_room me, enum link_room peer,
                              struct channel_packet *out)
{
    union channel_control control = {0};
    struct iovec piece = {out->data, sizeof out->data};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    enum fp_error error = FP_OK;
    ssize_t got = 0;
    out->fd = -1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    do {
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return got == 0 ? FP_E_LINK_CLOSED : channel_error();
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof out->fd)) {
        memcpy(&out->fd, CMSG_DATA(header), sizeof out->fd);
    }
    error = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0
                ? FP_E_MESSAGE_INVALID
                : channel_check(me, peer, (size_t)got, out);
    if (error != FP_OK && out->fd >= 0) {
        close(out->fd);
        out->fd = -1;
    }
    return error;
}
