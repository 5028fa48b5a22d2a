// The supervisor's channel: frames with descriptors, and everything that a room may not send.
// SPDX-License-Identifier: Apache-2.0
#include "link/channel.h"

#include "link/local_socket.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int ours = -1, theirs = -1;
static struct channel_packet packet;
static struct buf frame;

static enum fp_error receive_as_vault(void)
{
    return channel_receive(theirs, LINK_ROOM_VAULT, LINK_ROOM_SUPERVISOR, &packet);
}

static void test_link_channel__frame_without_descriptor(void **state)
{
    struct link_drain drain = {1234}, out = {0};
    (void)state;
    assert_int_equal(link_put_drain(&frame, &drain), FP_OK);
    assert_int_equal(channel_send(ours, buf_bytes(&frame), -1), FP_OK);
    assert_int_equal(receive_as_vault(), FP_OK);
    assert_int_equal(packet.fd, -1);
    assert_int_equal(packet.frame.number, LINK_DRAIN);
    assert_int_equal(link_get_drain(packet.frame.body, &out), FP_OK);
    assert_int_equal(out.within_ms, 1234);
}

static void test_link_channel__descriptor_comes_along(void **state)
{
    struct link_handover handover = {4, BYTES("master.key")};
    int pipes[2] = {-1, -1};
    char byte = 0;
    (void)state;
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(link_put_handover(&frame, &handover), FP_OK);
    assert_int_equal(channel_send(ours, buf_bytes(&frame), pipes[0]), FP_OK);
    assert_int_equal(receive_as_vault(), FP_OK);
    assert_true(packet.fd >= 0 && packet.fd != pipes[0]);
    assert_true((fcntl(packet.fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(write(pipes[1], "x", 1), 1);
    assert_int_equal(read(packet.fd, &byte, 1), 1);
    close(packet.fd);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_link_channel__nothing_there(void **state)
{
    (void)state;
    assert_int_equal(channel_receive(ours, LINK_ROOM_SUPERVISOR, LINK_ROOM_VAULT, &packet),
                     FP_E_AGAIN);
    close(theirs);
    theirs = -1;
    assert_int_equal(channel_receive(ours, LINK_ROOM_SUPERVISOR, LINK_ROOM_VAULT, &packet),
                     FP_E_LINK_CLOSED);
    assert_int_equal(channel_send(ours, BYTES("anything"), -1), FP_E_LINK_CLOSED);
}

static void test_link_channel__full_room_is_told(void **state)
{
    struct link_drain drain = {1};
    enum fp_error error = FP_OK;
    (void)state;
    assert_int_equal(link_put_drain(&frame, &drain), FP_OK);
    for (unsigned i = 0; i < 100000 && error == FP_OK; i++) {
        error = channel_send(ours, buf_bytes(&frame), -1);
    }
    assert_int_equal(error, FP_E_AGAIN);
}

static void assert_refused(struct bytes bytes, enum link_room me, enum link_room peer)
{
    assert_int_equal(send(ours, bytes.ptr, bytes.len, 0), (ssize_t)bytes.len);
    assert_int_equal(channel_receive(theirs, me, peer, &packet), FP_E_MESSAGE_INVALID);
    assert_int_equal(packet.fd, -1);
}

static void test_link_channel__refuses_what_is_not_allowed(void **state)
{
    struct link_drain drain = {1};
    uint8_t copy[64];
    (void)state;
    assert_int_equal(link_put_drain(&frame, &drain), FP_OK);
    assert_true(frame.len < sizeof copy - 4);
    // only the supervisor drains, and not itself
    assert_refused(buf_bytes(&frame), LINK_ROOM_VAULT, LINK_ROOM_GATEWAY);
    memcpy(copy, frame.ptr, frame.len);
    // too short, too long, another length than said
    assert_refused(bytes_of(copy, 3), LINK_ROOM_VAULT, LINK_ROOM_SUPERVISOR);
    assert_refused(bytes_of(copy, frame.len - 1), LINK_ROOM_VAULT, LINK_ROOM_SUPERVISOR);
    assert_refused(bytes_of(copy, frame.len + 4), LINK_ROOM_VAULT, LINK_ROOM_SUPERVISOR);
    // a number that no message has, and one that is not for rooms
    copy[4] = 255;
    assert_refused(bytes_of(copy, frame.len), LINK_ROOM_VAULT, LINK_ROOM_SUPERVISOR);
    copy[4] = LINK_READY;
    assert_refused(bytes_of(copy, frame.len), LINK_ROOM_VAULT, LINK_ROOM_SUPERVISOR);
    // the zero that is none
    copy[4] = LINK_DRAIN;
    copy[6] = 1;
    assert_refused(bytes_of(copy, frame.len), LINK_ROOM_VAULT, LINK_ROOM_SUPERVISOR);
}

static void test_link_channel__descriptor_of_a_bad_frame_is_closed(void **state)
{
    int before = dup(ours), after = -1;
    (void)state;
    assert_int_equal(channel_send(ours, BYTES("no frame"), ours), FP_OK);
    assert_int_equal(receive_as_vault(), FP_E_MESSAGE_INVALID);
    assert_int_equal(packet.fd, -1);
    after = dup(ours);
    // the lowest free number is the same again
    close(before);
    assert_int_equal(after, before + 1);
    close(after);
}

// ---------------------------------------------------------------- local sockets

static void assert_listens(const char *path)
{
    struct stat about;
    int listener = -1, second = -1, client = -1;
    assert_int_equal(local_socket_connect(path, &client), FP_E_NOT_RUNNING);
    assert_int_equal(local_socket_listen(path, 0600, &listener), FP_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_true(S_ISSOCK(about.st_mode));
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(local_socket_listen(path, 0600, &second), FP_E_EXISTS);
    assert_int_equal(local_socket_connect(path, &client), FP_OK);
    close(client);
    close(listener);
    // a socket that nobody listens on is replaced
    assert_int_equal(local_socket_connect(path, &client), FP_E_NOT_RUNNING);
    assert_int_equal(local_socket_listen(path, 0660, &listener), FP_OK);
    close(listener);
    assert_int_equal(unlink(path), 0);
}

static void test_link_channel__local_socket_of_any_length(void **state)
{
    char folder[64] = "/tmp/fishplate-link-XXXXXX", deep[256], path[320];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/control.sock", folder);
    assert_listens(path);
    snprintf(deep, sizeof deep, "%s/%0120d", folder, 7);
    assert_int_equal(mkdir(deep, 0700), 0);
    snprintf(path, sizeof path, "%s/control.sock", deep);
    assert_listens(path);
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(folder), 0);
}

static int set_up(void **state)
{
    (void)state;
    buf_init(&frame, CHANNEL_PACKET);
    return channel_pair(&ours, &theirs) == FP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&frame);
    close(ours);
    if (theirs >= 0) {
        close(theirs);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_link_channel__##name, set_up, tear_down)
        CASE(frame_without_descriptor),
        CASE(descriptor_comes_along),
        CASE(nothing_there),
        CASE(full_room_is_told),
        CASE(refuses_what_is_not_allowed),
        CASE(descriptor_of_a_bad_frame_is_closed),
        CASE(local_socket_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
