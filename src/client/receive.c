// libcurl's callbacks: the address policy before a socket is opened and before each request, the
// limits on what comes back. SPDX-License-Identifier: Apache-2.0
#include "client/address.h"
#include "client/client_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static bool address_passes(struct client_call *call, const struct sockaddr *address)
{
    enum client_verdict verdict = client_address_check(address, &call->networks);
    if (verdict != CLIENT_ADDRESS_PUBLIC && verdict != CLIENT_ADDRESS_ALLOWED) {
        call->stop = CLIENT_STOP_ADDRESS;
    } else if (!call->url.tls &&
               (verdict != CLIENT_ADDRESS_ALLOWED || !client_address_is_loopback(address))) {
        call->stop = CLIENT_STOP_PLAIN;
    } else {
        return true;
    }
    call->pool->client->stats.refused++;
    return false;
}

// A name may have several addresses: one that is refused does not stop the next one, and is told
// only where none was left.
curl_socket_t client__on_open(void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct client_call *call = userdata;
    struct sockaddr_storage copy;
    if (purpose != CURLSOCKTYPE_IPCXN || address->addrlen > sizeof copy) {
        return CURL_SOCKET_BAD;
    }
    memset(&copy, 0, sizeof copy);
    memcpy(&copy, &address->addr, address->addrlen);
    client_address_text((const struct sockaddr *)&copy, call->answer.address,
                        sizeof call->answer.address);
    if (!address_passes(call, (const struct sockaddr *)&copy)) {
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    client__watch_drop(call->pool->client, fd); // of a socket that was closed behind our back
    call->opened++;
    call->pool->client->stats.connections++;
    return fd;
}

static bool address_read(const char *text, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) {
        memcpy(out, &in4, sizeof in4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        memcpy(out, &in6, sizeof in6);
        return true;
    }
    return false;
}

// A kept-alive socket was judged for an earlier call: the networks may have changed since. libcurl
// repeats a request on its own when a kept-alive socket turns out to be closed: here we count.
int client__on_request(void *userdata, char *remote, char *local, int remote_port, int local_port)
{
    struct client_call *call = userdata;
    struct sockaddr_storage address;
    unsigned most = call->request->safe_to_repeat ? 2 : 1;
    (void)local;
    (void)local_port;
    if (!address_read(remote, remote_port, &address) ||
        !address_passes(call, (const struct sockaddr *)&address)) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (call->begun >= most) {
        call->stop = CLIENT_STOP_REPEAT;
        return CURL_PREREQFUNC_ABORT;
    }
    call->stop = CLIENT_STOP_NONE;
    call->begun++;
    call->answer.attempts++;
    call->answer.sent = true;
    call->pool->client->stats.requests++;
    client_address_text((const struct sockaddr *)&address, call->answer.address,
                        sizeof call->answer.address);
    return CURL_PREREQFUNC_OK;
}

static bool field_room(struct client_call *call)
{
    struct client_header *fields = NULL;
    size_t room = call->field_room == 0 ? 16 : call->field_room * 2;
    if (call->answer.header_count < call->field_room) {
        return true;
    }
    if (room > FP_LIMIT_SOURCE_HEADER_COUNT) {
        call->stop = CLIENT_STOP_HEADERS;
        return false;
    }
    fields = arena_alloc(call->arena, room, sizeof *fields);
    if (fields == NULL) {
        call->stop = CLIENT_STOP_MEMORY;
        return false;
    }
    if (call->answer.header_count != 0) {
        memcpy(fields, call->fields, call->answer.header_count * sizeof *fields);
    }
    call->fields = fields;
    call->field_room = room;
    call->answer.headers = fields;
    return true;
}

// A status line begins a new answer (100 Continue before 200); what came before is dropped. From
// here on the answer must not drip.
static void answer_begins(struct client_call *call)
{
    call->answer.header_count = 0;
    (void)curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_LIMIT, (long)FP_LIMIT_SOURCE_LOW_SPEED);
    (void)curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_TIME,
                           (long)FP_LIMIT_SOURCE_LOW_SPEED_TIME);
}

static bool take_line(struct client_call *call, struct bytes line)
{
    struct bytes name = {0};
    struct bytes rest = line;
    struct client_header *field = NULL;
    while (rest.len != 0 && (rest.ptr[rest.len - 1] == '\r' || rest.ptr[rest.len - 1] == '\n')) {
        rest.len--;
    }
    if (bytes_starts_with(rest, BYTES("HTTP/"))) {
        answer_begins(call);
        return true;
    }
    // The empty line, folded lines and trailers are nobody's business here.
    if (call->body_begun || rest.len == 0 || rest.ptr[0] == ' ' || rest.ptr[0] == '\t' ||
        !bytes_split(&rest, ':', &name) || rest.ptr == NULL) {
        return true;
    }
    if (!field_room(call)) {
        return false;
    }
    field = &call->fields[call->answer.header_count];
    field->name = arena_copy(call->arena, bytes_trim(name));
    field->value = arena_copy(call->arena, bytes_trim(rest));
    if (field->name.ptr == NULL || (field->value.ptr == NULL && bytes_trim(rest).len != 0)) {
        call->stop = CLIENT_STOP_MEMORY;
        return false;
    }
    call->answer.header_count++;
    return true;
}

size_t client__on_header(char *data, size_t size, size_t count, void *userdata)
{
    struct client_call *call = userdata;
    size_t len = size * count;
    call->header_bytes += len;
    if (call->header_bytes > FP_LIMIT_SOURCE_HEADERS) {
        call->stop = CLIENT_STOP_HEADERS;
        return len + 1; // anything but len ends the call
    }
    return take_line(call, bytes_of(data, len)) ? len : len + 1;
}

size_t client__on_body(char *data, size_t size, size_t count, void *userdata)
{
    struct client_call *call = userdata;
    size_t len = size * count;
    call->body_begun = true;
    buf_append(&call->answer.body, data, len);
    if (buf_error(&call->answer.body) == FP_OK) {
        return len;
    }
    call->stop = buf_error(&call->answer.body) == FP_E_LIMIT_EXCEEDED ? CLIENT_STOP_BODY
                                                                      : CLIENT_STOP_MEMORY;
    return len + 1;
}
