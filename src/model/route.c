// Walks the generated tree of path segments.
// SPDX-License-Identifier: Apache-2.0
#include "model/route.h"

#include "base/limits.h"
#include "model/url.h"

#include <string.h>

#define ROUTE_NONE 0xffffu

static const char *const route_methods[MODEL_METHOD_COUNT] = {
    [MODEL_METHOD_GET] = "GET",     [MODEL_METHOD_POST] = "POST",     [MODEL_METHOD_PUT] = "PUT",
    [MODEL_METHOD_PATCH] = "PATCH", [MODEL_METHOD_DELETE] = "DELETE",
};

static int route_compare(struct bytes segment, const char *name)
{
    size_t len = strlen(name);
    int order = memcmp(segment.ptr, name, segment.len < len ? segment.len : len);
    return order != 0 ? order : (segment.len > len) - (segment.len < len);
}

static const struct model_route_node *route_literal(const struct model_route_node *node,
                                                    struct bytes segment)
{
    size_t low = node->first;
    size_t high = low + node->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = route_compare(segment, model_route_nodes[middle].segment);
        if (order == 0) {
            return &model_route_nodes[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

// One step down the tree; a key that was passed is added to out.
static enum fp_error route_step(const struct model_route_node **node, struct bytes raw,
                                struct arena *arena, struct model_route *out)
{
    struct bytes segment = {0};
    enum fp_error error = url_decode(raw, false, arena, &segment);
    if (error != FP_OK) {
        return error == FP_E_NO_MEMORY ? error : FP_E_REQUEST_MALFORMED;
    }
    if (segment.len == 0) {
        return FP_E_ROUTE_UNKNOWN;
    }
    const struct model_route_node *next = route_literal(*node, segment);
    if (next == NULL && (*node)->wild != 0 && segment.len <= FP_LIMIT_KEY_TEXT) {
        next = &model_route_nodes[(*node)->wild];
        *(out->key.ptr == NULL ? &out->key : &out->subkey) = segment;
    }
    *node = next;
    return next == NULL ? FP_E_ROUTE_UNKNOWN : FP_OK;
}

static enum fp_error route_walk(struct bytes path, struct arena *arena, struct model_route *out,
                                const struct model_route_node **node_out)
{
    const struct model_route_node *node = &model_route_nodes[0];
    struct bytes rest = path;
    struct bytes segment = {0};
    if (path.len < 2 || path.ptr[0] != '/') {
        return FP_E_ROUTE_UNKNOWN;
    }
    rest = bytes_slice(path, 1, path.len);
    while (bytes_split(&rest, '/', &segment)) {
        enum fp_error error = route_step(&node, segment, arena, out);
        if (error != FP_OK) {
            return error;
        }
    }
    for (unsigned m = 0; m < MODEL_METHOD_COUNT; m++) {
        out->allowed |= node->operations[m] != ROUTE_NONE ? 1u << m : 0;
    }
    *node_out = node;
    return out->allowed != 0 ? FP_OK : FP_E_ROUTE_UNKNOWN;
}

enum fp_error model_route_find(struct bytes method, struct bytes path, struct arena *arena,
                               struct model_route *out)
{
    struct model_route route = {0};
    const struct model_route_node *node = NULL;
    enum fp_error error = route_walk(path, arena, &route, &node);
    struct bytes name = bytes_equal_text(method, "HEAD") ? BYTES("GET") : method;
    if (error != FP_OK) {
        return error;
    }
    for (unsigned m = 0; m < MODEL_METHOD_COUNT; m++) {
        if ((route.allowed & 1u << m) != 0 && bytes_equal_text(name, route_methods[m])) {
            route.operation = node->operations[m];
            *out = route;
            return FP_OK;
        }
    }
    *out = (struct model_route){.allowed = route.allowed};
    return FP_E_METHOD_NOT_ALLOWED;
}

unsigned model_route_methods(struct bytes path, struct arena *arena)
{
    struct model_route route = {0};
    const struct model_route_node *node = NULL;
    enum fp_error error = route_walk(path, arena, &route, &node);
    return error == FP_OK ? route.allowed : 0;
}

void model_methods_text(unsigned allowed, struct buf *out)
{
    for (unsigned m = 0; m < MODEL_METHOD_COUNT; m++) {
        if ((allowed & 1u << m) != 0) {
            buf_append_text(out, route_methods[m]);
            buf_append_text(out, m == MODEL_METHOD_GET ? ", HEAD, " : ", ");
        }
    }
    buf_append_text(out, "OPTIONS");
}
