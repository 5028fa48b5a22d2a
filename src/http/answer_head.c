// Writing the head of an answer.
// SPDX-License-Identifier: Apache-2.0
#include "http/server_int.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static const char *date_value(struct http_server *server)
{
    int64_t second = clock_wall_ms() / 1000;
    if (second != server->date_second) {
        static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        time_t when = (time_t)second;
        struct tm tm = {0};
        if (gmtime_r(&when, &tm) != NULL) {
            snprintf(server->date, sizeof server->date, "%s, %02u %s %04u %02u:%02u:%02u GMT",
                     days[tm.tm_wday % 7], (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12],
                     (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                     (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
        }
        server->date_second = second;
    }
    return server->date;
}

// RFC 9110 15; an unknown number needs no words.
static const char *status_reason(unsigned status)
{
    static const struct {
        unsigned status;    // number
        const char *reason; // words
    } rows[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) {
            return rows[i].reason;
        }
    }
    return "";
}

static bool name_valid(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if ((c | 0x20) < 'a' || (c | 0x20) > 'z') {
            if (c != '-' && (c < '0' || c > '9')) {
                return false;
            }
        }
    }
    return name.len != 0;
}

// No control character: nothing of a value can become a header of its own.
static bool value_valid(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < 0x20 || value.ptr[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static void header_write(struct buf *out, struct bytes name, struct bytes value)
{
    if (name_valid(name) && value_valid(value)) {
        buf_append_bytes(out, name);
        buf_append_text(out, ": ");
        buf_append_bytes(out, value);
        buf_append_text(out, "\r\n");
    }
}

// How the body is delimited, RFC 9112 6.
static void framing_write(struct buf *out, const struct http_answer *a,
                          const struct http_answer_head *head)
{
    if (head->status == 204 || head->status == 304) {
        return;
    }
    if (a->gzip != NULL) {
        buf_append_text(out, "Content-Encoding: gzip\r\n");
    }
    if (a->chunked) {
        buf_append_text(out, "Transfer-Encoding: chunked\r\n");
    } else if (head->length >= 0 && a->gzip == NULL) {
        buf_append_text(out, "Content-Length: ");
        buf_append_u64(out, (uint64_t)head->length);
        buf_append_text(out, "\r\n");
    }
}

void http__answer_head_write(struct http_server *server, struct http_answer *a,
                             const struct http_answer_head *head)
{
    struct buf *out = &a->out;
    buf_append_text(out, "HTTP/1.1 ");
    buf_append_u64(out, head->status);
    buf_append_byte(out, ' ');
    buf_append_text(out, status_reason(head->status));
    buf_append_text(out, "\r\nDate: ");
    buf_append_text(out, date_value(server));
    buf_append_text(out, "\r\n");
    if (head->content_type.len != 0) {
        header_write(out, BYTES("Content-Type"), head->content_type);
    }
    framing_write(out, a, head);
    if (head->compress) {
        buf_append_text(out, "Vary: Accept-Encoding\r\n");
    }
    for (size_t i = 0; i < head->header_count; i++) {
        header_write(out, head->headers[i].name, head->headers[i].value);
    }
    header_write(out, BYTES("Cache-Control"),
                 head->cache.len != 0 ? head->cache : BYTES("no-store"));
    buf_append_text(out, "X-Content-Type-Options: nosniff\r\n");
    if (a->connection->tls != NULL) {
        buf_append_text(out, "Strict-Transport-Security: max-age=31536000\r\n");
    }
    if (a->last) {
        buf_append_text(out, "Connection: close\r\n");
    } else if (a->old) {
        buf_append_text(out, "Connection: keep-alive\r\n");
    }
    buf_append_text(out, "\r\n");
}
