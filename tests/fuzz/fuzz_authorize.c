// Fuzzes what stands behind the question mark of /oauth/authorize, and lists of redirect URIs. What
// is accepted keeps its limits, and an answer through a good redirect URI still begins with it.
// SPDX-License-Identifier: Apache-2.0
#include "auth/pkce.h"
#include "auth/redirect_uri.h"
#include "auth/request_authorize.h"
#include "base/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_answer(const struct authorize_request *request)
{
    struct buf location;
    buf_init(&location, 16384);
    buf_append_bytes(&location, request->redirect_uri);
    redirect_add(&location, "error", bytes_of_text(authorize_fault_error(request->fault)));
    redirect_add(&location, "state", request->state);
    if (buf_error(&location) != FP_OK ||
        !bytes_starts_with(buf_bytes(&location), request->redirect_uri)) {
        abort();
    }
    for (size_t i = 0; i < location.len; i++) {
        if (location.ptr[i] <= ' ' || location.ptr[i] >= 0x7f) {
            abort(); // a header would end here
        }
    }
    buf_done(&location);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create(1u << 20, true);
    struct authorize_request request = {0};
    struct fp_note note = {0};
    struct bytes text = bytes_of(data, size);
    if (arena != NULL && authorize_request_parse(text, arena, &note, &request) == FP_OK) {
        if (request.client_id.len == 0 || request.client_id.len > FP_LIMIT_ID_TEXT ||
            request.redirect_uri.len > FP_LIMIT_REDIRECT_URI ||
            request.state.len > FP_LIMIT_OAUTH_STATE_TEXT ||
            request.scope.len > FP_LIMIT_SCOPES_TEXT ||
            (request.challenge.len != 0 && !pkce_challenge_valid(request.challenge))) {
            abort();
        }
        if (redirect_uri_wrong(request.redirect_uri) == NULL) {
            fuzz_answer(&request);
        }
    }
    if (redirect_uris_wrong(text) == NULL && text.len > FP_LIMIT_REDIRECTS_TEXT) {
        abort();
    }
    arena_free(arena);
    return 0;
}
