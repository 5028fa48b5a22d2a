// GET /openapi.json, /openapi-3.0.json and /docs: the API described, without a token. The bytes are
// part of the binary, compressed ones too, so that nobody makes the room work by asking; to clients
// that take no gzip they go in pieces, to few at once, so that nobody fills its memory either.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "model/openapi.h"

static struct bytes document_header(const struct http_request *request, const char *name)
{
    struct bytes value = {0};
    (void)http_headers_find(request->headers, request->header_count, name, &value);
    return value;
}

static void document_over(struct gateway *g, struct gateway_stream *stream, enum fp_error error)
{
    stream->used = false;
    stream->x.error = error;
    gateway__finish(g, &stream->x);
}

// The next piece, or the end.
static void document_go_on(struct gateway *g, struct gateway_stream *stream)
{
    struct bytes piece = bytes_slice(stream->rest, 0, FP_LIMIT_DOCUMENT_PIECE);
    struct http_handle handle = stream->x.handle;
    if (piece.len == 0) {
        http_answer_end(g->server, handle);
        document_over(g, stream, FP_OK);
        return;
    }
    stream->rest = bytes_slice(stream->rest, piece.len, stream->rest.len);
    stream->waiting = piece.len;
    if (http_answer_body(g->server, handle, piece) != FP_OK && stream->used) {
        document_over(g, stream, FP_E_CANCELLED);
    }
}

static struct gateway_stream *document_slot(struct gateway *g, uint64_t *user_out)
{
    for (size_t i = 0; i < FP_LIMIT_DOCUMENT_STREAMS; i++) {
        if (!g->streams[i].used) {
            *user_out = i + 1;
            return &g->streams[i];
        }
    }
    return NULL;
}

static struct gateway_stream *document_of(struct gateway *g, uint64_t user)
{
    bool known = user != 0 && user <= FP_LIMIT_DOCUMENT_STREAMS && g->streams[user - 1].used;
    return known ? &g->streams[user - 1] : NULL;
}

void gateway__document_gone(struct gateway *g, uint64_t user)
{
    struct gateway_stream *stream = document_of(g, user);
    if (stream != NULL) {
        document_over(g, stream, FP_E_CANCELLED);
    }
}

void gateway__document_drained(struct gateway *g, uint64_t user, size_t bytes)
{
    struct gateway_stream *stream = document_of(g, user);
    if (stream != NULL) {
        stream->waiting -= bytes < stream->waiting ? bytes : stream->waiting;
        if (stream->waiting == 0) {
            document_go_on(g, stream);
        }
    }
}

// All at once: nothing, or little because it is compressed.
static void document_send(struct gateway *g, struct gateway_exchange *x,
                          const struct gateway_file *file, bool body)
{
    enum fp_error error = gateway__answer_file(g, x, file);
    if (error == FP_OK && body) {
        error = http_answer_body(g->server, x->handle, file->body);
        x->bytes = file->body.len;
    }
    if (error == FP_OK) {
        http_answer_end(g->server, x->handle);
    }
    x->error = error;
    gateway__finish(g, x);
}

static void document_stream(struct gateway *g, struct gateway_exchange *x,
                            const struct gateway_file *file)
{
    uint64_t user = 0;
    struct gateway_stream *stream = document_slot(g, &user);
    if (stream == NULL) {
        gateway__answer_error(g, x, FP_E_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    if (gateway__answer_file(g, x, file) != FP_OK) {
        x->error = FP_E_CANCELLED;
        gateway__finish(g, x);
        return;
    }
    *stream = (struct gateway_stream){.x = *x, .rest = file->body, .used = true};
    stream->x.bytes = file->body.len;
    http_answer_attach(g->server, x->handle, user);
    document_go_on(g, stream);
}

static void document_answer(struct gateway *g, struct gateway_exchange *x,
                            const struct http_request *request,
                            const struct openapi_document *document)
{
    struct bytes known = document_header(request, "If-None-Match");
    bool packed = http_accepts_gzip(document_header(request, "Accept-Encoding"));
    struct gateway_file file = {
        .content_type = bytes_of_text(document->content_type),
        .etag = bytes_of_text(document->etag),
        .policy = bytes_of_text(document->policy),
        .body = packed ? document->packed : document->plain,
        .packed = packed,
        .unchanged = known.len != 0 && openapi_etag_matches(document, known),
    };
    if (packed || file.unchanged || request->head) {
        document_send(g, x, &file, !file.unchanged && !request->head);
    } else {
        document_stream(g, x, &file);
    }
}

bool gateway__document(struct gateway *g, struct gateway_exchange *x,
                       const struct http_request *request)
{
    const struct openapi_document *document = openapi_find(request->path);
    if (document == NULL || request->tag != GATEWAY_API) {
        return false;
    }
    x->allowed = 1u << MODEL_METHOD_GET;
    if (bytes_equal(request->method, BYTES("OPTIONS"))) {
        gateway__answer_options(g, x, x->allowed, false);
    } else if (!request->head && !bytes_equal(request->method, BYTES("GET"))) {
        gateway__answer_error(g, x, FP_E_METHOD_NOT_ALLOWED, NULL);
    } else {
        document_answer(g, x, request, document);
    }
    return true;
}
