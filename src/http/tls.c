// TLS of the server, by OpenSSL.
// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include "base/mem.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>

#define TLS_RECORD 16384 // bytes of plain text in one record, RFC 8446 5.1

struct http_tls {
    SSL_CTX *context; // counted by the sessions, too
};

struct http_tls_session {
    SSL *ssl;        // owns its BIO
    struct bytes in; // bytes from the network, not read yet
    struct buf *out; // where bytes for the network go, not owned
};

static int bio_read(BIO *bio, char *space, size_t room, size_t *read_out)
{
    struct http_tls_session *session = BIO_get_data(bio);
    size_t take = session->in.len < room ? session->in.len : room;
    BIO_clear_retry_flags(bio);
    if (take == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(space, session->in.ptr, take);
    session->in = bytes_slice(session->in, take, session->in.len);
    *read_out = take;
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *written_out)
{
    struct http_tls_session *session = BIO_get_data(bio);
    buf_append(session->out, data, len);
    if (buf_error(session->out) != FP_OK) {
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

// Reading and writing memory. One for the whole process, since it must outlive every session; NULL
// when out of memory.
static BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "fishplate");
        if (method != NULL) {
            BIO_meth_set_read_ex(method, bio_read);
            BIO_meth_set_write_ex(method, bio_write);
            BIO_meth_set_ctrl(method, bio_ctrl);
        }
    }
    return method;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found = NULL;
    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&found, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL; // RFC 7301 3.2
    }
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool context_set_rules(SSL_CTX *context)
{
    static const unsigned char name[] = "fishplate";
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // tickets only: no state here
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set_max_early_data(context, 0) == 1 &&
           SSL_CTX_set_num_tickets(context, 1) == 1 &&
           SSL_CTX_set_session_id_context(context, name, sizeof name - 1) == 1;
}

static BIO *bio_over(struct bytes data)
{
    return data.len <= INT_MAX ? BIO_new_mem_buf(data.ptr, (int)data.len) : NULL;
}

// The first certificate is the server's own, those behind it lead to the root.
static bool context_set_chain(SSL_CTX *context, struct bytes pem)
{
    BIO *bio = bio_over(pem);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
    bool good = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1;
    X509_free(certificate);
    while (good && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        good = SSL_CTX_add1_chain_cert(context, certificate) == 1;
        X509_free(certificate);
    }
    BIO_free(bio);
    ERR_clear_error(); // the last read found the end
    return good;
}

// Never ask at the terminal for a passphrase.
static int no_passphrase(char *space, int room, int writing, void *ctx)
{
    (void)space;
    (void)room;
    (void)writing;
    (void)ctx;
    return -1;
}

static bool context_set_key(SSL_CTX *context, struct bytes pem)
{
    BIO *bio = bio_over(pem);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    bool good = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1 &&
                SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return good;
}

enum fp_error http_tls_create(struct bytes certificate, struct bytes key, struct fp_note *note,
                              struct http_tls **out)
{
    enum fp_error error = FP_E_NO_MEMORY;
    struct http_tls *tls = mem_alloc(1, sizeof *tls);
    if (tls == NULL) {
        goto out;
    }
    error = FP_E_CRYPTO_FAILED;
    tls->context = SSL_CTX_new(TLS_server_method());
    if (tls->context == NULL || bio_method() == NULL || !context_set_rules(tls->context)) {
        goto out;
    }
    error = FP_E_KEY_INVALID;
    if (!context_set_chain(tls->context, certificate)) {
        fp_note_set(note, "api.tls.certificate", "the file holds no PEM certificate");
        goto out;
    }
    if (!context_set_key(tls->context, key)) {
        fp_note_set(note, "api.tls.key",
                    "the file holds no PEM key without passphrase that fits the certificate");
        goto out;
    }
    error = FP_OK;
    *out = tls;
    tls = NULL; // moved
out:
    http_tls_free(tls);
    ERR_clear_error();
    return error;
}

void http_tls_free(struct http_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        mem_free(tls);
    }
}

struct http_tls_session *http_tls_session_create(struct http_tls *tls, struct buf *out)
{
    struct http_tls_session *session = mem_alloc(1, sizeof *session);
    BIO *bio = BIO_new(bio_method());
    SSL *ssl = SSL_new(tls->context);
    if (session == NULL || bio == NULL || ssl == NULL) {
        mem_free(session);
        BIO_free(bio);
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    session->out = out;
    session->ssl = ssl;
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return session;
}

void http_tls_session_free(struct http_tls_session *session)
{
    if (session != NULL) {
        SSL_free(session->ssl);
        mem_free(session);
    }
}

void http_tls_feed(struct http_tls_session *session, struct bytes in)
{
    session->in = in;
}

struct bytes http_tls_unread(const struct http_tls_session *session)
{
    return session->in;
}

bool http_tls_established(const struct http_tls_session *session)
{
    return SSL_is_init_finished(session->ssl) == 1;
}

static enum fp_error session_error(struct http_tls_session *session, int result)
{
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return FP_E_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return FP_E_LINK_CLOSED;
    default:
        ERR_clear_error();
        return FP_E_IO_FAILED;
    }
}

enum fp_error http_tls_handshake(struct http_tls_session *session)
{
    int result = SSL_do_handshake(session->ssl);
    return result == 1 ? FP_OK : session_error(session, result);
}

enum fp_error http_tls_read(struct http_tls_session *session, uint8_t *space, size_t room,
                            size_t *read_out)
{
    int result = 0;
    if (session->in.len == 0 && SSL_has_pending(session->ssl) == 0) {
        return FP_E_AGAIN; // asking OpenSSL would cost more
    }
    result = SSL_read_ex(session->ssl, space, room, read_out);
    return result == 1 ? FP_OK : session_error(session, result);
}

enum fp_error http_tls_write(struct http_tls_session *session, struct bytes data,
                             size_t *written_out)
{
    size_t len = data.len < TLS_RECORD ? data.len : TLS_RECORD;
    if (SSL_write_ex(session->ssl, data.ptr, len, written_out) != 1) {
        ERR_clear_error();
        return FP_E_IO_FAILED;
    }
    return FP_OK;
}

void http_tls_end(struct http_tls_session *session)
{
    if (SSL_is_init_finished(session->ssl) == 1) {
        (void)SSL_shutdown(session->ssl);
        ERR_clear_error();
    }
}

const char *http_tls_version(const struct http_tls_session *session)
{
    return SSL_get_version(session->ssl);
}
