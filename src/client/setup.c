// How libcurl is set up: once per handle what holds for every call (no proxies, no cookies, no
// redirects, TLS 1.2 and later with name check, our own socket function), then what belongs to one.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "client/client_int.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define SEND_BUFFER 16384 // bytes; made, wiped and freed for each request
#define LIFETIME_S  900   // of a kept-alive socket: certificates and addresses change

static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *userdata)
{
    struct client *client = userdata;
    (void)easy;
    SSL_CTX_set1_cert_store(ssl_ctx, client->store);
    return CURLE_OK;
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

static bool setup_network(CURL *easy, struct client *client)
{
    return SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_QUICK_EXIT, 1L) && SET(CURLOPT_PROXY, "") &&
           SET(CURLOPT_NOPROXY, "*") && SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
           SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
           SET(CURLOPT_TCP_KEEPALIVE, 1L) && SET(CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_S) &&
           SET(CURLOPT_OPENSOCKETFUNCTION, client__on_open) &&
           SET(CURLOPT_CLOSESOCKETFUNCTION, client__on_close) &&
           SET(CURLOPT_CLOSESOCKETDATA, client) && SET(CURLOPT_PREREQFUNCTION, client__on_request);
}

static bool setup_tls(CURL *easy, struct client *client)
{
    return SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_CAINFO, NULL) && SET(CURLOPT_CAPATH, NULL) &&
           SET(CURLOPT_SSL_CTX_FUNCTION, on_tls) && SET(CURLOPT_SSL_CTX_DATA, client);
}

static bool setup_http(CURL *easy)
{
    return SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           SET(CURLOPT_HTTP09_ALLOWED, 0L) && SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER) &&
           SET(CURLOPT_ACCEPT_ENCODING, "gzip, deflate") &&
           SET(CURLOPT_USERAGENT, "Fishplate/" FP_VERSION) &&
           SET(CURLOPT_HEADERFUNCTION, client__on_header) &&
           SET(CURLOPT_WRITEFUNCTION, client__on_body) && SET(CURLOPT_PATH_AS_IS, 1L);
}

CURL *client__easy_create(struct client_pool *pool)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        return NULL;
    }
    if (!setup_network(easy, pool->client) || !setup_tls(easy, pool->client) || !setup_http(easy)) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

static bool prepare_body(CURL *easy, struct bytes body)
{
    return SET(CURLOPT_POST, 1L) &&
           SET(CURLOPT_POSTFIELDS, body.len != 0 ? (const void *)body.ptr : "") &&
           SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
}

static bool prepare_method(CURL *easy, const struct client_request *request)
{
    char method[16];
    bool head = bytes_equal_text(request->method, "HEAD");
    bool post = bytes_equal_text(request->method, "POST");
    bool with_body = post || request->body.len != 0;
    bool named = with_body ? !post : !head && !bytes_equal_text(request->method, "GET");
    if (!bytes_to_text(request->method, method, sizeof method)) {
        return false;
    }
    // HTTPGET first: it takes back what an earlier call of this handle has set.
    return SET(CURLOPT_HTTPGET, 1L) && SET(CURLOPT_NOBODY, head ? 1L : 0L) &&
           (head || !with_body || prepare_body(easy, request->body)) &&
           (head || with_body || SET(CURLOPT_HTTPGET, 1L)) &&
           SET(CURLOPT_CUSTOMREQUEST, named ? method : NULL);
}

static long remaining_ms(const struct client_call *call)
{
    const struct client_request *request = call->request;
    uint64_t whole = request->timeout_ms != 0 ? request->timeout_ms : FP_LIMIT_SOURCE_TIMEOUT;
    uint64_t gone = (clock_monotonic_ns() - call->begun_ns) / 1000000;
    return gone < whole ? (long)(whole - gone) : 1;
}

static bool prepare_limits(struct client_call *call)
{
    CURL *easy = call->easy;
    uint32_t wish = call->request->connect_timeout_ms;
    long connect_ms = (long)(wish != 0 ? wish : FP_LIMIT_SOURCE_CONNECT_TIMEOUT);
    long single = call->pool->key_len == 0 ? 1L : 0L;
    return SET(CURLOPT_TIMEOUT_MS, remaining_ms(call)) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms) &&
           SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->max_answer) &&
           SET(CURLOPT_LOW_SPEED_LIMIT, 0L) && SET(CURLOPT_LOW_SPEED_TIME, 0L) &&
           SET(CURLOPT_FRESH_CONNECT, single) && SET(CURLOPT_FORBID_REUSE, single);
}

bool client__easy_prepare(struct client_call *call)
{
    CURL *easy = call->easy;
    call->reason[0] = '\0';
    return SET(CURLOPT_PRIVATE, call) && SET(CURLOPT_URL, call->url_text) &&
           prepare_method(easy, call->request) && SET(CURLOPT_HTTPHEADER, call->headers) &&
           prepare_limits(call) && SET(CURLOPT_ERRORBUFFER, call->reason) &&
           SET(CURLOPT_HEADERDATA, call) && SET(CURLOPT_WRITEDATA, call) &&
           SET(CURLOPT_OPENSOCKETDATA, call) && SET(CURLOPT_PREREQDATA, call);
}

static bool is_token(struct bytes text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == 0 || strchr(others, c) == NULL)) {
            return false;
        }
    }
    return text.len != 0;
}

static bool is_field_value(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_ours(struct bytes name)
{
    static const char *const ours[] = {"host",       "content-length", "transfer-encoding",
                                       "connection", "user-agent",     "accept-encoding",
                                       "expect",     "upgrade",        "te"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of_text(ours[i]))) {
            return true;
        }
    }
    return false;
}

static bool header_add(struct client_call *call, const char *text)
{
    struct curl_slist *longer = curl_slist_append(call->headers, text);
    if (longer == NULL) {
        return false;
    }
    call->headers = longer;
    return true;
}

static enum fp_error header_take(struct client_call *call, const struct client_header *header,
                                 struct buf *line)
{
    if (!is_token(header->name) || !is_field_value(header->value) || is_ours(header->name)) {
        return FP_E_SOURCE_SETTINGS_INVALID;
    }
    buf_clear(line);
    buf_append_bytes(line, header->name);
    buf_append_text(line, header->value.len != 0 ? ": " : ";"); // ';' is libcurl's empty value
    buf_append_bytes(line, header->value);
    const char *text = buf_text(line);
    if (buf_error(line) == FP_E_LIMIT_EXCEEDED) {
        return FP_E_SOURCE_SETTINGS_INVALID;
    }
    return buf_error(line) == FP_OK && header_add(call, text) ? FP_OK : FP_E_NO_MEMORY;
}

enum fp_error client__headers_take(struct client_call *call, struct fp_note *note)
{
    enum fp_error error = FP_OK;
    bool typed = false;
    struct buf line;
    buf_init_sensitive(&line, FP_LIMIT_SOURCE_HEADERS);
    for (size_t i = 0; error == FP_OK && i < call->request->header_count; i++) {
        const struct client_header *header = &call->request->headers[i];
        error = header_take(call, header, &line);
        typed = typed || bytes_equal_nocase(header->name, BYTES("content-type"));
        if (error == FP_E_SOURCE_SETTINGS_INVALID) {
            fp_note_set(note, "header", "Header %zu of the request may not be sent.", i + 1);
        }
    }
    // libcurl would wait for a 100 before larger bodies, and call every body a form.
    if (error == FP_OK &&
        (!header_add(call, "Expect:") || (!typed && !header_add(call, "Content-Type:")))) {
        error = FP_E_NO_MEMORY;
    }
    buf_done(&line);
    return error;
}
