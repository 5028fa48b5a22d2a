// TLS of the server: one context per certificate, sessions that read from and write to memory, so
// that the connection decides when a system call is made. TLS 1.2 (ECDHE with AEAD only) and 1.3,
// no renegotiation, no compression, no early data (RFC 9325).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_HTTP_TLS_H
#define FP_HTTP_TLS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/note.h"

struct http_tls;         // certificate, key and rules
struct http_tls_session; // of one connection

// Certificate chain and key as PEM. FP_E_KEY_INVALID with a note (no part of the key in it),
// FP_E_CRYPTO_FAILED.
enum fp_error http_tls_create(struct bytes certificate, struct bytes key, struct fp_note *note,
                              struct http_tls **out);
// Sessions made from it go on. Takes NULL.
void http_tls_free(struct http_tls *tls);

// out is where the session appends what must be sent; it belongs to the caller and outlives the
// session. NULL when out of memory.
struct http_tls_session *http_tls_session_create(struct http_tls *tls, struct buf *out);
void http_tls_session_free(struct http_tls_session *session); // takes NULL

// Bytes from the network that the session may read from now on, instead of what it had left. They
// must stay in place until they are used up or replaced.
void http_tls_feed(struct http_tls_session *session, struct bytes in);
struct bytes http_tls_unread(const struct http_tls_session *session);
bool http_tls_established(const struct http_tls_session *session);
// Goes on with the handshake. FP_OK: done; FP_E_AGAIN: needs more bytes; FP_E_IO_FAILED: it failed
// (an alert may stand in out).
enum fp_error http_tls_handshake(struct http_tls_session *session);
// Plain bytes into space. FP_OK; FP_E_AGAIN: needs more bytes; FP_E_LINK_CLOSED: the peer ended
// the stream properly; FP_E_IO_FAILED.
enum fp_error http_tls_read(struct http_tls_session *session, uint8_t *space, size_t room,
                            size_t *read_out);
// Encrypts one record's worth from the front of data. FP_E_IO_FAILED ends the session.
enum fp_error http_tls_write(struct http_tls_session *session, struct bytes data,
                             size_t *written_out);
// Tells the peer that nothing follows.
void http_tls_end(struct http_tls_session *session);
const char *http_tls_version(const struct http_tls_session *session); // "TLSv1.3"

#endif
