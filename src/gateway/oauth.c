// The gateway's part of the OAuth server: reads what clients and browsers send, and describes the
// server (RFC 8414). It decides nothing: who may have what is the vault's to say.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "auth/json_in.h"
#include "auth/request_authorize.h"
#include "auth/request_token.h"
#include "base/json_out.h"

#include <string.h>

#define METADATA 4096 // bytes of the metadata document, without its URLs' hosts

// Sends what put() writes; answers where that is not possible.
typedef enum fp_error oauth_put(const struct gateway_exchange *x, uint64_t call,
                                const void *request, struct buf *out);

static void oauth_submit(struct gateway *g, struct gateway_exchange *x, oauth_put *put,
                         const void *request)
{
    struct buf *out = gateway__link(g, false);
    struct gateway_call *call = out != NULL ? gateway__call_take(g, x, false) : NULL;
    if (call == NULL || put(x, call->id, request, out) != FP_OK) {
        gateway__answer_error(g, x, FP_E_SERVICE_UNAVAILABLE, NULL);
        if (call != NULL) {
            gateway__call_release(g, call);
        }
    }
}

static enum fp_error oauth_put_client(const struct gateway_exchange *x, uint64_t call,
                                      const void *request, struct buf *out)
{
    const struct oauth_request *wanted = request;
    struct link_token_request message = {
        .call = call,
        .request_id = bytes_of_text(x->request_id),
        .address = bytes_of_text(x->peer),
        .task = (uint8_t)wanted->task,
        .client_id = wanted->client_id,
        .client_secret = wanted->client_secret,
        .token = wanted->token,
        .redirect_uri = wanted->redirect_uri,
        .verifier = wanted->verifier,
        .scope = wanted->scope,
        .possession = wanted->possession,
    };
    return link_put_token_request(out, &message);
}

// The token endpoint, revocation and introspection.
static void oauth_client(struct gateway *g, struct gateway_exchange *x,
                         const struct http_request *request, enum oauth_endpoint endpoint)
{
    struct token_request_source source = {.body = request->body, .endpoint = endpoint};
    struct oauth_request wanted = {0};
    struct fp_note note = {0};
    struct gateway_problem problem = {.note = &note};
    size_t authorizations = http_headers_find(request->headers, request->header_count,
                                              "Authorization", &source.authorization);
    enum fp_error error = FP_OK;
    (void)http_headers_find(request->headers, request->header_count, "Content-Type",
                            &source.content_type);
    error = authorizations > 1 ? FP_E_CLIENT_INVALID
                               : token_request_parse(&source, g->arena, &note, &wanted);
    if (error == FP_OK) {
        error = gateway__possession(g, x, request, (struct bytes){0}, &wanted.possession);
    }
    if (error != FP_OK) {
        gateway__answer_error(g, x, error, &problem);
    } else {
        oauth_submit(g, x, oauth_put_client, &wanted);
    }
}

static enum fp_error oauth_put_authorize(const struct gateway_exchange *x, uint64_t call,
                                         const void *request, struct buf *out)
{
    const struct authorize_request *wanted = request;
    struct link_authorize message = {
        .call = call,
        .request_id = bytes_of_text(x->request_id),
        .address = bytes_of_text(x->peer),
        .fault = (uint8_t)wanted->fault,
        .client_id = wanted->client_id,
        .redirect_uri = wanted->redirect_uri,
        .state = wanted->state,
        .scope = wanted->scope,
        .challenge = wanted->challenge,
    };
    return link_put_authorize(out, &message);
}

static void oauth_authorize(struct gateway *g, struct gateway_exchange *x,
                            const struct http_request *request)
{
    struct authorize_request wanted = {0};
    struct fp_note note = {0};
    struct gateway_problem problem = {.note = &note};
    enum fp_error error = authorize_request_parse(request->query, g->arena, &note, &wanted);
    if (error != FP_OK) {
        gateway__answer_error(g, x, error, &problem);
    } else {
        oauth_submit(g, x, oauth_put_authorize, &wanted);
    }
}

void gateway__oauth_redirect(struct gateway *g, struct gateway_exchange *x, struct bytes body)
{
    struct fp_note unused = {0};
    yyjson_val *root = NULL, *location = NULL;
    if (json_in_parse(body, g->arena, &unused, &root) == FP_OK) {
        location = yyjson_obj_get(root, "location");
    }
    if (yyjson_get_len(location) == 0) {
        gateway__answer_error(g, x, FP_E_INTERNAL, NULL);
        return;
    }
    gateway__answer_redirect(g, x, bytes_of(yyjson_get_str(location), yyjson_get_len(location)));
}

static void metadata_list(struct json_out *j, const char *name, const char *const *texts)
{
    json_name(j, name);
    json_begin_array(j);
    for (size_t i = 0; texts[i] != NULL; i++) {
        json_text_c(j, texts[i]);
    }
    json_end_array(j);
}

static void metadata_url(struct json_out *j, const char *name, const struct gateway *g,
                         const char *path)
{
    struct buf url;
    buf_init(&url, CONFIG_PATH + 64);
    buf_append_text(&url, g->config->public_url);
    buf_append_text(&url, path);
    json_member_text(j, name, buf_bytes(&url));
    buf_done(&url);
}

static void oauth_metadata(struct gateway *g, struct gateway_exchange *x)
{
    static const char *const types[] = {"code", NULL};
    static const char *const modes[] = {"query", NULL};
    static const char *const grants[] = {"authorization_code", "refresh_token",
                                         "client_credentials", NULL};
    static const char *const methods[] = {"client_secret_basic", "client_secret_post", NULL};
    static const char *const challenges[] = {"S256", NULL};
    static const char *const algorithms[] = {"ES256", "EdDSA", NULL};
    static const char *const scopes[] = {"*:read",    "*:write",   "eam:read",
                                         "eam:write", "erp:read",  "erp:write",
                                         "wms:read",  "wms:write", NULL};
    struct buf body;
    struct json_out j = json_out_start(&body);
    buf_init(&body, METADATA + 6 * CONFIG_PATH);
    json_begin_object(&j);
    metadata_url(&j, "issuer", g, "");
    metadata_url(&j, "authorization_endpoint", g, "/oauth/authorize");
    metadata_url(&j, "token_endpoint", g, "/oauth/token");
    metadata_url(&j, "revocation_endpoint", g, "/oauth/revoke");
    metadata_url(&j, "introspection_endpoint", g, "/oauth/introspect");
    metadata_list(&j, "response_types_supported", types);
    metadata_list(&j, "response_modes_supported", modes);
    metadata_list(&j, "grant_types_supported", grants);
    metadata_list(&j, "token_endpoint_auth_methods_supported", methods);
    metadata_list(&j, "revocation_endpoint_auth_methods_supported", methods);
    metadata_list(&j, "introspection_endpoint_auth_methods_supported", methods);
    metadata_list(&j, "code_challenge_methods_supported", challenges);
    metadata_list(&j, "dpop_signing_alg_values_supported", algorithms);
    metadata_list(&j, "scopes_supported", scopes);
    json_member_bool(&j, "authorization_response_iss_parameter_supported", true);
    json_end_object(&j);
    gateway__answer_json(g, x, 200, buf_bytes(&body));
    buf_done(&body);
}

void gateway__oauth(struct gateway *g, struct gateway_exchange *x,
                    const struct http_request *request)
{
    x->page = x->operation == MODEL_OP_SYSTEM_AUTHORIZE;
    x->oauth = !x->page && x->operation != MODEL_OP_SYSTEM_OAUTH_METADATA;
    switch (x->operation) {
    case MODEL_OP_SYSTEM_AUTHORIZE:
        oauth_authorize(g, x, request);
        break;
    case MODEL_OP_SYSTEM_TOKEN:
        oauth_client(g, x, request, OAUTH_AT_TOKEN);
        break;
    case MODEL_OP_SYSTEM_TOKEN_REVOKE:
        oauth_client(g, x, request, OAUTH_AT_REVOKE);
        break;
    case MODEL_OP_SYSTEM_TOKEN_INTROSPECT:
        oauth_client(g, x, request, OAUTH_AT_INTROSPECT);
        break;
    case MODEL_OP_SYSTEM_OAUTH_METADATA:
        oauth_metadata(g, x);
        break;
    default:
        gateway__answer_error(g, x, FP_E_ROUTE_UNKNOWN, NULL);
    }
}
