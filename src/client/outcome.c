// What libcurl's result means, in our errors and in words for people. The words name the host and
// the reason; headers, bodies and paths never get in.
// SPDX-License-Identifier: Apache-2.0
#include "client/client_int.h"

#include <stdio.h>
#include <string.h>

#define HOST_MAX              200
#define CURLE_TOO_LARGE_LATER 100 // CURLE_TOO_LARGE of libcurl 8.6 and later

static void say(struct client_call *call, enum fp_error error, const char *text)
{
    struct bytes host = bytes_slice(call->url.host, 0, HOST_MAX);
    call->answer.error = error;
    fp_note_set(&call->answer.note, "url", "%.*s:%u %s", BYTES_ARG(host), (unsigned)call->url.port,
                text);
}

static void judge_stop(struct client_call *call)
{
    switch (call->stop) {
    case CLIENT_STOP_ADDRESS:
        say(call, FP_E_SOURCE_ADDRESS_REFUSED,
            "has an address in a network that is not allowed for this connection.");
        return;
    case CLIENT_STOP_PLAIN:
        say(call, FP_E_SOURCE_ADDRESS_REFUSED,
            "may be reached by https only: plain http is for allowed loopback addresses.");
        return;
    case CLIENT_STOP_REPEAT:
        say(call, FP_E_SOURCE_UNREACHABLE,
            "closed the connection before an answer; whether the request was done is unknown.");
        return;
    case CLIENT_STOP_HEADERS:
        say(call, FP_E_SOURCE_ANSWER_TOO_LARGE, "sends more headers than allowed.");
        return;
    case CLIENT_STOP_BODY:
        say(call, FP_E_SOURCE_ANSWER_TOO_LARGE, "sends a larger answer than allowed.");
        return;
    case CLIENT_STOP_MEMORY:
        say(call, FP_E_NO_MEMORY, "sends more than there is memory for.");
        return;
    case CLIENT_STOP_NONE:
        break;
    }
    if (call->begun != 0) {
        say(call, FP_E_SOURCE_ANSWER_INVALID, "sends an answer that cannot be read.");
    } else {
        say(call, FP_E_INTERNAL, "could not be called.");
    }
}

static void judge_connect(struct client_call *call)
{
    char text[160];
    long number = 0;
    if (call->opened == 0 &&
        (call->stop == CLIENT_STOP_ADDRESS || call->stop == CLIENT_STOP_PLAIN)) {
        judge_stop(call);
        return;
    }
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
    (void)snprintf(text, sizeof text, "does not accept connections%s%s.", number != 0 ? ": " : "",
                   number != 0 ? strerrordesc_np((int)number) : "");
    say(call, FP_E_SOURCE_UNREACHABLE, text);
}

static void judge_certificate(struct client_call *call)
{
    char text[160];
    long result = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    // libcurl checks the name itself; OpenSSL's result was not set yet then.
    if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED) {
        say(call, FP_E_SOURCE_TLS_FAILED, "shows a certificate for another name.");
        return;
    }
    (void)snprintf(text, sizeof text, "shows a certificate that is not trusted: %s.",
                   X509_verify_cert_error_string(result));
    say(call, FP_E_SOURCE_TLS_FAILED, text);
}

static void judge_tls(struct client_call *call)
{
    static const struct {
        const char *word; // in OpenSSL's reason
        const char *text; // ours
    } reasons[] = {
        {"wrong version number", "does not speak TLS on this port."},
        {"packet length too long", "does not speak TLS on this port."},
        {"http request", "does not speak TLS on this port."},
        {"unsupported protocol", "offers only TLS older than 1.2."},
        {"protocol version", "offers only TLS older than 1.2."},
        {"certificate required", "wants a client certificate."},
        {"no shared cipher", "offers no cipher that is safe enough."},
        {"handshake failure", "refused the TLS handshake."},
        {"dh key too small", "uses a key exchange that is too weak."},
        {"ee key too small", "uses a key that is too weak."},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (strstr(call->reason, reasons[i].word) != NULL) {
            say(call, FP_E_SOURCE_TLS_FAILED, reasons[i].text);
            return;
        }
    }
    say(call, FP_E_SOURCE_TLS_FAILED, "broke off the TLS handshake.");
}

static void judge_time(struct client_call *call)
{
    if (call->answer.status != 0) {
        say(call, FP_E_SOURCE_TIMEOUT, "did not finish its answer in time.");
    } else if (call->begun != 0) {
        say(call, FP_E_SOURCE_TIMEOUT, "did not answer in time.");
    } else if (call->connected) {
        say(call, FP_E_SOURCE_TIMEOUT, "did not finish the TLS handshake in time.");
    } else if (call->opened != 0) {
        say(call, FP_E_SOURCE_UNREACHABLE, "does not answer on the network.");
    } else if (call->pool->call_count > call->pool->client->connection_max) {
        say(call, FP_E_SOURCE_TIMEOUT, "has no free connection: earlier calls still wait for it.");
    } else {
        say(call, FP_E_SOURCE_UNREACHABLE, "could not be looked up in time.");
    }
}

// The other end closed, or the network broke.
static void judge_closed(struct client_call *call)
{
    if (call->header_bytes != 0) {
        say(call, FP_E_SOURCE_ANSWER_INVALID, "closed the connection within its answer.");
    } else if (call->begun != 0) {
        say(call, FP_E_SOURCE_UNREACHABLE, "closed the connection without an answer.");
    } else {
        judge_connect(call);
    }
}

static void judge_other(struct client_call *call, CURLcode code)
{
    switch (code) {
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        judge_closed(call);
        return;
    case CURLE_OUT_OF_MEMORY: // also libcurl's word for a single header line beyond 100 KB
        if (client__curl_failures() != call->failures) {
            say(call, FP_E_NO_MEMORY, "could not be called: out of memory.");
            return;
        }
        call->stop = CLIENT_STOP_HEADERS;
        judge_stop(call);
        return;
    case CURLE_URL_MALFORMAT:
        say(call, FP_E_SOURCE_SETTINGS_INVALID, "is not a usable address.");
        return;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
        say(call, FP_E_SOURCE_ANSWER_INVALID, "does not answer with valid HTTP.");
        return;
    case CURLE_BAD_CONTENT_ENCODING:
        say(call, FP_E_SOURCE_ANSWER_INVALID, "sends an answer whose compression is broken.");
        return;
    case CURLE_FILESIZE_EXCEEDED:
        call->stop = CLIENT_STOP_BODY;
        judge_stop(call);
        return;
    default:
        judge_stop(call); // write errors, aborts by us, and what must not happen
        return;
    }
}

void client__judge(struct client_call *call, CURLcode code)
{
    if ((int)code == CURLE_TOO_LARGE_LATER) {
        code = CURLE_OUT_OF_MEMORY; // judged there
    }
    switch (code) {
    case CURLE_OK:
        if (call->answer.status < 200) {
            say(call, FP_E_SOURCE_ANSWER_INVALID, "does not answer with valid HTTP.");
            return;
        }
        call->answer.error = FP_OK;
        return;
    case CURLE_COULDNT_RESOLVE_HOST:
        say(call, FP_E_SOURCE_UNREACHABLE, "has no address: the name does not resolve.");
        return;
    case CURLE_COULDNT_CONNECT:
        judge_connect(call);
        return;
    case CURLE_OPERATION_TIMEDOUT:
        judge_time(call);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        judge_certificate(call);
        return;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_SHUTDOWN_FAILED:
        judge_tls(call);
        return;
    default:
        judge_other(call, code);
        return;
    }
}
