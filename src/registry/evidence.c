// The signature under an evidence pack.
// SPDX-License-Identifier: Apache-2.0
#include "registry/evidence.h"

#include "audit/audit_signer.h"
#include "base/clock.h"
#include "crypto/encoding.h"
#include "registry/registry_int.h"

#include <string.h>

#define EVIDENCE_DIGEST 32

static void evidence_answer(struct registry_job *job, struct bytes text,
                            const uint8_t signature[static SIGN_SIZE])
{
    const struct audit_signer *signer = audit_signer_of(job->registry->parts.audit);
    struct json_out json = json_out_start(&job->body);
    char key[2 * SIGN_PUBLIC_SIZE + 1];
    struct buf encoded;
    buf_init(&encoded, 256);
    base64_append(&encoded, bytes_of(signature, SIGN_SIZE));
    hex_encode(bytes_of(audit_signer_public(signer), SIGN_PUBLIC_SIZE), key);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text(&json, "text", text);
    json_member_text(&json, "signature", buf_bytes(&encoded));
    json_member_text_c(&json, "key", key);
    json_end_object(&json);
    json_end_object(&json);
    buf_done(&encoded);
}

static enum fp_error evidence_build(struct registry_job *job)
{
    const struct bytes *digest = job->input;
    uint8_t raw[EVIDENCE_DIGEST], signature[SIGN_SIZE];
    char hex[2 * EVIDENCE_DIGEST + 1], time[CLOCK_TEXT];
    struct buf text, detail;
    struct audit_record *record = NULL;
    enum fp_error error = FP_OK;
    if (hex_decode(*digest, raw, sizeof raw) != FP_OK) {
        return job_field(job, "digest", "It must be 64 hex digits.");
    }
    hex_encode(bytes_of(raw, sizeof raw), hex);
    clock_text(job->now_ms, time);
    buf_init(&text, 256);
    buf_init(&detail, 256);
    buf_printf(&text, "fishplate evidence v1\nmanifest %s\ntime %s\n", hex, time);
    buf_printf(&detail, "{\"what\":\"evidence\",\"manifest\":\"%s\"}", hex);
    error = buf_error(&text) != FP_OK ? buf_error(&text) : buf_error(&detail);
    if (error == FP_OK) {
        error = audit_signer_sign(audit_signer_of(job->registry->parts.audit), buf_bytes(&text),
                                  signature);
    }
    if (error == FP_OK) {
        evidence_answer(job, buf_bytes(&text), signature);
        record = job_record(job, AUDIT_OPERATOR_EXPORT);
        record->detail = arena_copy(job->scratch, buf_bytes(&detail));
        error = record->detail.ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&text);
    buf_done(&detail);
    return error;
}

void registry_evidence_sign(struct registry *registry, const struct registry_caller *caller,
                            struct bytes digest, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct bytes *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = digest;
        job_keep(job, input);
    }
    job_run(job, evidence_build);
}
