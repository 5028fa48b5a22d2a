// Fuzzes the bodies that the gateway reads: token requests, connections, metadata. The first byte
// chooses which; what is accepted keeps its limits.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_connection.h"
#include "auth/request_token.h"
#include "base/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_token(struct bytes type, struct bytes authorization, struct bytes body,
                       struct arena *arena)
{
    struct token_request_source source = {type, authorization, body, OAUTH_AT_TOKEN};
    struct oauth_request request = {0};
    struct fp_note note = {0};
    if (token_request_parse(&source, arena, &note, &request) == FP_OK &&
        (request.client_id.len == 0 || request.client_id.len > FP_LIMIT_ID_TEXT ||
         request.client_secret.len == 0 || request.client_secret.len > FP_LIMIT_TOKEN_TEXT)) {
        abort();
    }
}

static void fuzz_bodies(struct bytes body, bool metadata, struct arena *arena)
{
    struct connection_body connection = {0};
    struct fp_note note = {0};
    struct bytes json = {0};
    struct buf errors;
    struct json_out j = json_out_start(&errors);
    buf_init(&errors, 65536);
    json_begin_array(&j);
    if (metadata) {
        if (metadata_body_parse(body, arena, &j, &note, &json) == FP_OK &&
            json.len > FP_LIMIT_METADATA_JSON) {
            abort();
        }
    } else if (connection_body_parse(body, arena, &j, &note, &connection) == FP_OK &&
               (connection.name.len == 0 || connection.credentials.len < 2 ||
                connection.credentials.len > FP_LIMIT_CREDENTIALS_JSON)) {
        abort();
    }
    buf_done(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create(1u << 24, true);
    struct bytes rest = bytes_of(data, size), first = {0};
    if (size == 0 || arena == NULL) {
        arena_free(arena);
        return 0;
    }
    rest = bytes_slice(rest, 1, size);
    switch (data[0] % 5) {
    case 0:
        fuzz_token(BYTES("application/x-www-form-urlencoded"), first, rest, arena);
        break;
    case 1:
        fuzz_token(BYTES("application/json"), first, rest, arena);
        break;
    case 2:
        (void)bytes_split(&rest, '\n', &first);
        fuzz_token(BYTES("application/x-www-form-urlencoded"), first, rest, arena);
        break;
    case 3:
        fuzz_bodies(rest, false, arena);
        break;
    default:
        fuzz_bodies(rest, true, arena);
        break;
    }
    arena_free(arena);
    return 0;
}
