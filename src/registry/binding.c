// Judging what was proved.
// SPDX-License-Identifier: Apache-2.0
#include "registry/binding.h"

#include "base/clock.h"
#include "base/networks.h"
#include "crypto/encoding.h"
#include "registry/replay.h"

#include <arpa/inet.h>
#include <string.h>

#define NONCE_BYTES 16 // of a nonce: 22 characters
#define NONCE_TEXT  23

// The nonce of a stretch of time: all nodes with the same master key make the same one.
static enum fp_error binding_nonce(struct registry *registry, int64_t stretch,
                                   char out[static NONCE_TEXT])
{
    uint8_t raw[DIGEST_SIZE], number[8];
    struct bytes part = {number, sizeof number};
    struct buf text;
    enum fp_error error = FP_OK;
    for (unsigned i = 0; i < sizeof number; i++) {
        number[i] = (uint8_t)((uint64_t)stretch >> (8 * i));
    }
    error = keyring_authenticate(registry->parts.ring, "dpop.nonce", &part, 1, raw);
    if (error != FP_OK) {
        return error;
    }
    buf_init(&text, NONCE_TEXT);
    base64url_append(&text, bytes_of(raw, NONCE_BYTES));
    error = buf_error(&text);
    if (error == FP_OK && !bytes_to_text(buf_bytes(&text), out, NONCE_TEXT)) {
        error = FP_E_INTERNAL;
    }
    buf_done(&text);
    return error;
}

static int64_t binding_stretch(int64_t now_ms)
{
    return now_ms / 1000 / FP_LIMIT_DPOP_NONCE_LIFE;
}

// A nonce that is shown must be ours, and where the configuration says so one must be shown.
static enum fp_error binding_check_nonce(struct registry *registry, struct bytes shown,
                                         int64_t now_ms, enum dpop_fault *fault)
{
    char nonce[NONCE_TEXT];
    bool ours = shown.len == 0 && !registry->parts.config->dpop_nonce;
    for (int64_t back = 0; back < 2 && !ours; back++) {
        enum fp_error error = binding_nonce(registry, binding_stretch(now_ms) - back, nonce);
        if (error != FP_OK) {
            return error;
        }
        ours = bytes_equal_text(shown, nonce);
    }
    *fault = ours ? DPOP_GOOD : DPOP_NONCE;
    return FP_OK;
}

// Once only; a process that just started cannot know what the one before it saw.
static enum fp_error binding_check_fresh(struct registry *registry, const struct dpop_proof *proof,
                                         int64_t now_ms, enum dpop_fault *fault)
{
    enum fp_error error = binding_check_nonce(registry, proof->nonce, now_ms, fault);
    if (error != FP_OK || *fault != DPOP_GOOD) {
        return error;
    }
    if (proof->iat_s < registry->started_s) {
        *fault = DPOP_BEFORE;
        return FP_OK;
    }
    if (registry->proofs == NULL) {
        error =
            replay_create(2 * FP_LIMIT_DPOP_WINDOW + 1, FP_LIMIT_REPLAY_ENTRIES, &registry->proofs);
    }
    error = error != FP_OK
                ? error
                : replay_take(registry->proofs, proof->jti, clock_monotonic_ns() / 1000000);
    if (error == FP_E_EXISTS) {
        *fault = DPOP_REPLAYED;
        error = FP_OK;
    }
    return error;
}

static enum fp_error binding_refuse(struct registry *registry, enum dpop_fault fault,
                                    int64_t now_ms, struct buf *detail)
{
    char nonce[NONCE_TEXT];
    struct json_out json = json_out_start(detail);
    enum fp_error error = FP_OK;
    buf_clear(detail);
    json_begin_object(&json);
    json_member_text_c(&json, "reason", dpop_fault_name(fault));
    json_member_text_c(&json, "cause", dpop_fault_text(fault));
    if (fault == DPOP_NONCE) {
        error = binding_nonce(registry, binding_stretch(now_ms), nonce);
        json_member_text_c(&json, "nonce", error == FP_OK ? nonce : NULL);
    }
    json_end_object(&json);
    return error != FP_OK ? error : FP_E_TOKEN_BINDING_FAILED;
}

static bool binding_thumbprint_is(const char *binding, const char *kind,
                                  const uint8_t thumbprint[static DIGEST_SIZE])
{
    char shown[BINDING_TEXT];
    binding_make(kind, thumbprint, shown);
    return strcmp(binding, shown) == 0; // public on both sides
}

static enum fp_error binding_check_key(struct registry *registry, const char *binding,
                                       const struct possession *p, int64_t now_ms,
                                       enum dpop_fault *fault)
{
    if (!p->scheme_dpop) {
        *fault = DPOP_SCHEME;
    } else if (p->fault != DPOP_GOOD) {
        *fault = p->fault;
    } else if (!binding_thumbprint_is(binding, "jkt", p->proof.thumbprint)) {
        *fault = DPOP_OTHER_KEY;
    } else {
        return binding_check_fresh(registry, &p->proof, now_ms, fault);
    }
    return FP_OK;
}

// Whether an address in text form lies in a list of networks; an empty list holds all.
static bool binding_address_fits(const char *networks, struct bytes address)
{
    struct networks list;
    struct fp_note unused = {0};
    char text[INET6_ADDRSTRLEN + 1];
    uint8_t raw[16];
    if (networks[0] == '\0') {
        return true;
    }
    if (networks_parse(bytes_of_text(networks), &list, &unused) != FP_OK ||
        !bytes_to_text(address, text, sizeof text)) {
        return false;
    }
    if (inet_pton(AF_INET, text, raw) == 1) {
        return networks_contain(&list, raw, false);
    }
    return inet_pton(AF_INET6, text, raw) == 1 && networks_contain(&list, raw, true);
}

enum fp_error binding_check(struct registry *registry, const struct store_token *row,
                            const struct binding_shown *shown, int64_t now_ms, struct buf *detail)
{
    const struct possession *p = shown->possession;
    enum dpop_fault fault = DPOP_GOOD;
    enum fp_error error = FP_OK;
    if (!binding_address_fits(row->addresses, shown->address)) {
        fault = DPOP_ADDRESS;
    } else if (binding_is_key(row->binding)) {
        error = binding_check_key(registry, row->binding, p, now_ms, &fault);
    } else if (p->scheme_dpop) {
        fault = DPOP_NOT_BOUND;
    } else if (row->binding[0] != '\0' &&
               !(p->certificate &&
                 binding_thumbprint_is(row->binding, "x5t", p->certificate_sha256))) {
        fault = DPOP_CERTIFICATE;
    }
    if (error == FP_OK && fault != DPOP_GOOD) {
        error = binding_refuse(registry, fault, now_ms, detail);
    }
    return error;
}

// At the token endpoint the sentence is the reason: RFC 6749 knows error_description alone.
static enum fp_error binding_refuse_request(struct registry_job *job, enum dpop_fault fault)
{
    char nonce[NONCE_TEXT];
    struct json_out json = json_out_start(&job->detail);
    enum fp_error error = FP_OK;
    buf_clear(&job->detail);
    json_begin_object(&json);
    json_member_text_c(&json, "reason", dpop_fault_text(fault));
    if (fault == DPOP_NONCE) {
        error = binding_nonce(job->registry, binding_stretch(job->now_ms), nonce);
        json_member_text_c(&json, "nonce", error == FP_OK ? nonce : NULL);
    }
    json_end_object(&json);
    if (error != FP_OK) {
        return error;
    }
    return fault == DPOP_NONCE ? FP_E_DPOP_NONCE_REQUIRED : FP_E_DPOP_PROOF_INVALID;
}

enum fp_error binding_of_request(struct registry_job *job, struct oauth_request *request,
                                 char out[static BINDING_TEXT])
{
    struct possession shown = {0};
    enum dpop_fault fault = DPOP_GOOD;
    enum fp_error error = possession_decode(request->possession, &shown);
    out[0] = '\0';
    if (error != FP_OK || shown.fault == DPOP_MISSING) {
        return error;
    }
    fault = shown.fault;
    if (fault == DPOP_GOOD && !request->proof_taken) {
        error = binding_check_fresh(job->registry, &shown.proof, job->now_ms, &fault);
        // a second attempt of the same job is not a second use
        request->proof_taken = error == FP_OK && fault == DPOP_GOOD;
    }
    if (error == FP_OK && fault != DPOP_GOOD) {
        error = binding_refuse_request(job, fault);
    }
    if (error == FP_OK) {
        binding_make("jkt", shown.proof.thumbprint, out);
    }
    return error;
}

const char *binding_token_type(const char *binding)
{
    return binding_is_key(binding) ? "DPoP" : "bearer";
}

void binding_write_cnf(struct json_out *json, const char *binding)
{
    if (binding[0] != '\0') {
        json_name(json, "cnf");
        json_begin_object(json);
        json_member_text_c(json, binding_is_key(binding) ? "jkt" : "x5t#S256", binding + 4);
        json_end_object(json);
    }
}
