// Answers by handle: slots that stay where they are, with a generation that says whether a handle
// still names what it named.
// SPDX-License-Identifier: Apache-2.0
#include "http/server_int.h"

#include "base/mem.h"

#include <stdio.h>

#define ANSWERS_KEEP 4096 // bytes of buffer that stay with a free slot

static bool answers_grow(struct http_server *server)
{
    size_t count = server->block_count;
    struct http_answer *block = NULL;
    if (count < HTTP_ANSWER_BLOCKS) {
        block = mem_alloc(HTTP_ANSWER_BLOCK, sizeof *block);
    }
    if (block == NULL) {
        return false;
    }
    for (size_t i = HTTP_ANSWER_BLOCK; i-- > 0;) {
        block[i].handle = (struct http_handle){(uint32_t)(count * HTTP_ANSWER_BLOCK + i), 1};
        buf_init(&block[i].out, FP_LIMIT_HTTP_ANSWER_QUEUE);
        block[i].next = server->free_answers;
        server->free_answers = &block[i];
    }
    server->blocks[count] = block;
    server->block_count++;
    return true;
}

struct http_answer *http__answer_take(struct http_connection *c)
{
    struct http_server *server = c->server;
    struct http_answer *a = NULL;
    if (server->free_answers == NULL && !answers_grow(server)) {
        return NULL;
    }
    a = server->free_answers;
    server->free_answers = a->next;
    a->next = NULL;
    a->connection = c;
    if (c->newest != NULL) {
        c->newest->next = a;
    } else {
        c->first = a;
    }
    c->newest = a;
    c->answers++;
    server->statistics.unanswered++;
    return a;
}

void http__answer_release(struct http_server *server, struct http_answer *a)
{
    struct http_handle handle = a->handle;
    struct buf out = a->out;
    gzip_give(server->gzip, a->gzip);
    if (out.room > ANSWERS_KEEP) {
        buf_done(&out);
    } else {
        buf_clear(&out);
    }
    out.sensitive = false;
    handle.generation += handle.generation == UINT32_MAX ? 2 : 1; // never 0
    *a = (struct http_answer){.handle = handle, .out = out, .next = server->free_answers};
    server->free_answers = a;
    server->statistics.unanswered--;
}

void http__answers_done(struct http_server *server)
{
    for (size_t i = 0; i < server->block_count; i++) {
        for (size_t k = 0; k < HTTP_ANSWER_BLOCK; k++) {
            buf_done(&server->blocks[i][k].out);
        }
        mem_free(server->blocks[i]);
    }
    server->block_count = 0;
}

// NULL where the handle names nothing any more.
static struct http_answer *answer_find(const struct http_server *server, struct http_handle handle)
{
    size_t block = handle.slot / HTTP_ANSWER_BLOCK;
    struct http_answer *a = NULL;
    if (handle.generation == 0 || block >= server->block_count) {
        return NULL;
    }
    a = &server->blocks[block][handle.slot % HTTP_ANSWER_BLOCK];
    return a->connection != NULL && a->handle.generation == handle.generation && !a->ended ? a
                                                                                           : NULL;
}

void http_answer_attach(struct http_server *server, struct http_handle handle, uint64_t user)
{
    struct http_answer *a = answer_find(server, handle);
    if (a != NULL) {
        a->user = user;
    }
}

static bool answer_compresses(const struct http_answer *a, const struct http_answer_head *head)
{
    return head->compress && a->accepts_gzip && !a->bodiless &&
           (head->length < 0 || head->length >= FP_LIMIT_HTTP_GZIP_MINIMUM);
}

enum fp_error http_answer_begin(struct http_server *server, struct http_handle handle,
                                const struct http_answer_head *head)
{
    struct http_answer *a = answer_find(server, handle);
    if (a == NULL || a->begun) {
        return FP_E_CANCELLED;
    }
    a->begun = true;
    a->out.sensitive = head->secret;
    a->last = a->last || head->close || server->draining;
    a->bodiless = a->head || head->status == 204 || head->status == 304;
    if (answer_compresses(a, head)) {
        a->gzip = gzip_take(server->gzip);
    }
    a->chunked = (head->length < 0 || a->gzip != NULL) && !a->old;
    a->last = a->last || (a->old && !a->bodiless && (head->length < 0 || a->gzip != NULL));
    http__answer_head_write(server, a, head);
    http__connection_mark(a->connection);
    return FP_OK;
}

static void answer_append(struct http_answer *a, struct bytes piece)
{
    if (piece.len == 0) {
        return; // an empty chunk would end the body
    }
    if (a->chunked) {
        char line[24];
        int len = snprintf(line, sizeof line, "%zx\r\n", piece.len);
        buf_append(&a->out, line, (size_t)len);
    }
    buf_append_bytes(&a->out, piece);
    if (a->chunked) {
        buf_append_text(&a->out, "\r\n");
    }
}

static enum fp_error answer_compress(struct http_server *server, struct http_answer *a,
                                     struct bytes piece, enum gzip_flush flush)
{
    struct buf *space = &server->compressed;
    enum fp_error error = FP_OK;
    buf_clear(space);
    error = gzip_write(a->gzip, piece, flush, space);
    if (error == FP_OK) {
        answer_append(a, buf_bytes(space));
    }
    return error;
}

enum fp_error http_answer_body(struct http_server *server, struct http_handle handle,
                               struct bytes piece)
{
    struct http_answer *a = answer_find(server, handle);
    struct http_connection *c = NULL;
    enum fp_error error = FP_OK;
    if (a == NULL || !a->begun) {
        return FP_E_CANCELLED;
    }
    c = a->connection;
    a->owed += piece.len;
    if (a->gzip != NULL) {
        error = answer_compress(server, a, piece, GZIP_COLLECT);
    } else if (!a->bodiless) {
        answer_append(a, piece);
    }
    if (error == FP_OK) {
        error = buf_error(&a->out);
    }
    if (error != FP_OK) {
        a->user = 0; // the owner learns it from the result
        http__connection_close(c);
        return error;
    }
    http__connection_mark(c);
    return FP_OK;
}

void http_answer_end(struct http_server *server, struct http_handle handle)
{
    struct http_answer *a = answer_find(server, handle);
    enum fp_error error = FP_OK;
    if (a == NULL) {
        return;
    }
    if (!a->begun) {
        http_answer_break(server, handle);
        return;
    }
    if (a->gzip != NULL) {
        error = answer_compress(server, a, (struct bytes){0}, GZIP_LAST);
        gzip_give(server->gzip, a->gzip);
        a->gzip = NULL;
    }
    if (a->chunked && !a->bodiless) {
        buf_append_text(&a->out, "0\r\n\r\n");
    }
    a->user = 0;
    if (error != FP_OK || buf_error(&a->out) != FP_OK) {
        http__connection_close(a->connection);
        return;
    }
    a->ended = true;
    http__connection_mark(a->connection);
}

void http_answer_break(struct http_server *server, struct http_handle handle)
{
    struct http_answer *a = answer_find(server, handle);
    if (a != NULL) {
        a->user = 0;
        http__connection_close(a->connection);
    }
}

void http_answer_send(struct http_server *server, struct http_handle handle,
                      const struct http_answer_head *head, struct bytes body)
{
    struct http_answer_head whole = *head;
    whole.length = (int64_t)body.len;
    if (http_answer_begin(server, handle, &whole) == FP_OK &&
        http_answer_body(server, handle, body) == FP_OK) {
        http_answer_end(server, handle);
    }
}
