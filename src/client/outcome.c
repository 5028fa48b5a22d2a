// What the end of a call means, in our errors and in words for people. The words name the host and
// the reason; headers, bodies and paths never get in.
// SPDX-License-Identifier: Apache-2.0
#include "client/client_int.h"

#include <stdio.h>
#include <string.h>

#define HOST_MAX 200

static void say(struct client_call *call, enum fp_error error, const char *text)
{
    struct bytes host = bytes_slice(call->url.host, 0, HOST_MAX);
    call->answer.error = error;
    fp_note_set(&call->answer.note, "url", "%.*s:%u %s", BYTES_ARG(host), (unsigned)call->url.port,
                text);
}

static void judge_connect(struct client_call *call)
{
    char text[160];
    int number = call->os_error;
    (void)snprintf(text, sizeof text, "does not accept connections%s%s.", number != 0 ? ": " : "",
                   number != 0 ? strerrordesc_np(number) : "");
    say(call, FP_E_SOURCE_UNREACHABLE, text);
}

static void judge_certificate(struct client_call *call)
{
    char text[160];
    if (call->verify == X509_V_ERR_HOSTNAME_MISMATCH ||
        call->verify == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        say(call, FP_E_SOURCE_TLS_FAILED, "shows a certificate for another name.");
        return;
    }
    (void)snprintf(text, sizeof text, "shows a certificate that is not trusted: %s.",
                   X509_verify_cert_error_string(call->verify));
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
    } else if (call->state == CALL_WAITING) {
        say(call, FP_E_SOURCE_TIMEOUT, "has no free connection: earlier calls still wait for it.");
    } else {
        say(call, FP_E_SOURCE_UNREACHABLE, "could not be looked up in time.");
    }
}

void client__judge(struct client_call *call)
{
    static const struct {
        enum fp_error error; // ours
        const char *text;    // for people
    } rows[] = {
        [CLIENT_STOP_ADDRESS] = {FP_E_SOURCE_ADDRESS_REFUSED,
                                 "has an address in a network that is not allowed for this "
                                 "connection."},
        [CLIENT_STOP_PLAIN] = {FP_E_SOURCE_ADDRESS_REFUSED,
                               "may be reached by https only: plain http is for allowed loopback "
                               "addresses."},
        [CLIENT_STOP_URL] = {FP_E_SOURCE_SETTINGS_INVALID, "is not a usable address."},
        [CLIENT_STOP_NAME] = {FP_E_SOURCE_UNREACHABLE,
                              "has no address: the name does not resolve."},
        [CLIENT_STOP_REPEAT] = {FP_E_SOURCE_UNREACHABLE,
                                "closed the connection before an answer; whether the request was "
                                "done is unknown."},
        [CLIENT_STOP_CLOSED] = {FP_E_SOURCE_UNREACHABLE,
                                "closed the connection without an answer."},
        [CLIENT_STOP_CUT] = {FP_E_SOURCE_ANSWER_INVALID,
                             "closed the connection within its answer."},
        [CLIENT_STOP_HTTP] = {FP_E_SOURCE_ANSWER_INVALID, "does not answer with valid HTTP."},
        [CLIENT_STOP_HEADERS] = {FP_E_SOURCE_ANSWER_TOO_LARGE, "sends more headers than allowed."},
        [CLIENT_STOP_BODY] = {FP_E_SOURCE_ANSWER_TOO_LARGE, "sends a larger answer than allowed."},
        [CLIENT_STOP_CODING] = {FP_E_SOURCE_ANSWER_INVALID,
                                "sends an answer whose compression is broken."},
        [CLIENT_STOP_MEMORY] = {FP_E_NO_MEMORY, "could not be called: out of memory."},
    };
    switch (call->stop) {
    case CLIENT_STOP_NONE:
        call->answer.error = FP_OK;
        return;
    case CLIENT_STOP_CONNECT:
        judge_connect(call);
        return;
    case CLIENT_STOP_CERTIFICATE:
        judge_certificate(call);
        return;
    case CLIENT_STOP_TLS:
        judge_tls(call);
        return;
    case CLIENT_STOP_TIME:
        judge_time(call);
        return;
    default:
        say(call, rows[call->stop].error, rows[call->stop].text);
        return;
    }
}
