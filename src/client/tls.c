// TLS to the sources, by OpenSSL over memory: TLS 1.2 and later, the chain and the name are
// checked, sessions are taken up again within one pool only. SPDX-License-Identifier: Apache-2.0
#include "client/client_int.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static int bio_read(BIO *bio, char *space, size_t room, size_t *read_out)
{
    struct client_socket *socket = BIO_get_data(bio);
    size_t take = socket->in.len < room ? socket->in.len : room;
    BIO_clear_retry_flags(bio);
    if (take == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(space, socket->in.ptr, take);
    socket->in = bytes_slice(socket->in, take, socket->in.len);
    *read_out = take;
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *written_out)
{
    struct client_socket *socket = BIO_get_data(bio);
    buf_append(&socket->wire, data, len);
    if (buf_error(&socket->wire) != FP_OK) {
        return 0;
    }
    *written_out = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// One for the whole process, since it must outlive every session; NULL when out of memory.
static BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "fishplate client");
        if (method != NULL) {
            BIO_meth_set_read_ex(method, bio_read);
            BIO_meth_set_write_ex(method, bio_write);
            BIO_meth_set_ctrl(method, bio_ctrl);
        }
    }
    return method;
}

static bool origin_equal(const struct client_origin *a, const struct client_origin *b)
{
    return a->port == b->port && a->tls == b->tls && strcmp(a->host, b->host) == 0;
}

// A ticket came: kept for the next socket of this pool to the same origin. 1: taken over.
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct client_socket *socket = SSL_get_app_data(ssl);
    struct client_pool *pool = socket->pool;
    if (pool == NULL || pool->key_len == 0 || pool->forgotten) {
        return 0;
    }
    SSL_SESSION_free(pool->session);
    pool->session = session;
    pool->session_of = socket->origin;
    return 1;
}

SSL_CTX *client__tls_create(X509_STORE *store)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || bio_method() == NULL ||
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1) != 0) {
        SSL_CTX_free(context);
        X509_STORE_free(store);
        ERR_clear_error();
        return NULL;
    }
    SSL_CTX_set_cert_store(context, store); // takes it over
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    // What was decrypted does not stay in OpenSSL's buffers.
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, on_session);
    return context;
}

// The certificate must be of the host as it stands in the URL.
static bool tls_expect(SSL *ssl, const struct client_socket *socket)
{
    char host[CLIENT_HOST];
    size_t len = strlen(socket->origin.host);
    memcpy(host, socket->origin.host, len + 1);
    if (len > 1 && host[len - 1] == '.') {
        host[len - 1] = '\0'; // certificates name hosts without it
    }
    bool address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    ERR_clear_error();
    if (address) {
        return true;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

bool client__tls_begin(struct client_socket *socket)
{
    BIO *bio = BIO_new(bio_method());
    SSL *ssl = SSL_new(socket->client->tls);
    struct client_pool *pool = socket->pool;
    if (bio == NULL || ssl == NULL || !tls_expect(ssl, socket)) {
        BIO_free(bio);
        SSL_free(ssl);
        ERR_clear_error();
        return false;
    }
    BIO_set_data(bio, socket);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, socket);
    SSL_set_connect_state(ssl);
    if (pool->session != NULL && origin_equal(&pool->session_of, &socket->origin)) {
        (void)SSL_set_session(ssl, pool->session); // without it the handshake is a full one
    }
    socket->ssl = ssl;
    return true;
}

void client__tls_reason(struct client_call *call)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    (void)snprintf(call->reason, sizeof call->reason, "%s", reason != NULL ? reason : "");
}

enum fp_error client__tls_handshake(struct client_socket *socket)
{
    struct client_call *call = socket->call;
    int result = SSL_do_handshake(socket->ssl);
    if (result == 1) {
        return FP_OK;
    }
    if (SSL_get_error(socket->ssl, result) == SSL_ERROR_WANT_READ) {
        return FP_E_AGAIN;
    }
    call->verify = SSL_get_verify_result(socket->ssl);
    call->stop = call->verify != X509_V_OK ? CLIENT_STOP_CERTIFICATE : CLIENT_STOP_TLS;
    client__tls_reason(call);
    ERR_clear_error();
    return FP_E_SOURCE_TLS_FAILED;
}
