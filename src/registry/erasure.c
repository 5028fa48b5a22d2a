// Making and checking certificates of erasure.
// SPDX-License-Identifier: Apache-2.0
#include "registry/erasure.h"

#include "base/json_out.h"
#include "crypto/encoding.h"
#include "keys/master.h"

#include <string.h>
#include <yyjson.h>

static void erasure_write_keys(struct json_out *j, const struct erasure_facts *facts)
{
    json_name(j, "keys");
    json_begin_array(j);
    for (size_t i = 0; i < facts->key_count; i++) {
        struct key_id id;
        char text[KEY_ID_TEXT];
        memcpy(id.b, facts->keys[i].key_id, sizeof id.b);
        key_id_text(&id, text);
        json_begin_object(j);
        json_member_i64(j, "version", facts->keys[i].key_version);
        json_member_text_c(j, "key_id", text);
        json_end_object(j);
    }
    json_end_array(j);
}

static void erasure_state(const struct erasure_facts *facts, struct buf *out)
{
    struct json_out j = json_out_start(out);
    json_begin_object(&j);
    json_member_text_c(&j, "type", ERASURE_TYPE);
    json_member_text_c(&j, "what",
                       "The data keys named here are destroyed: nothing that was sealed with them "
                       "opens any more. Credentials, metadata, names and addresses of the "
                       "customer and its connections are deleted.");
    json_member_text_c(&j, "store", facts->store);
    json_member_text_c(&j, "customer", facts->customer->id);
    json_member_text_c(&j, "application", facts->customer->application);
    json_member_time(&j, "erased_at", facts->customer->erased_ms);
    json_member_time(&j, "issued_at", facts->now_ms);
    json_member_text_c(&j, "by", facts->by);
    json_member_text(&j, "by_id", facts->by_id);
    json_member_i64(&j, "connections", (int64_t)facts->connections);
    erasure_write_keys(&j, facts);
    json_member_i64(&j, "audit_record", (int64_t)facts->record);
    json_end_object(&j);
}

enum fp_error erasure_certify(const struct audit_signer *signer, const struct erasure_facts *facts,
                              struct buf *out)
{
    uint8_t signature[SIGN_SIZE];
    char key[2 * SIGN_PUBLIC_SIZE + 1];
    struct buf statement, encoded;
    struct json_out j = json_out_start(out);
    enum fp_error error = FP_OK;
    buf_init(&statement, ERASURE_MAX / 2);
    buf_init(&encoded, 256);
    erasure_state(facts, &statement);
    error = buf_error(&statement);
    if (error == FP_OK) {
        error = audit_signer_sign(signer, buf_bytes(&statement), signature);
    }
    if (error == FP_OK) {
        base64_append(&encoded, bytes_of(signature, sizeof signature));
        hex_encode(bytes_of(audit_signer_public(signer), SIGN_PUBLIC_SIZE), key);
        json_begin_object(&j);
        json_member_text(&j, "statement", buf_bytes(&statement));
        json_member_text(&j, "signature", buf_bytes(&encoded));
        json_member_text_c(&j, "key", key);
        json_end_object(&j);
        error = buf_error(&encoded) != FP_OK ? buf_error(&encoded) : buf_error(out);
    }
    buf_done(&statement);
    buf_done(&encoded);
    return error;
}

static struct bytes erasure_text(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? bytes_of(yyjson_get_str(value), yyjson_get_len(value))
                                : (struct bytes){0};
}

// A good signature of the log's key under something else is no certificate.
static enum fp_error erasure_is_statement(struct bytes text)
{
    yyjson_doc *doc =
        json_depth_within(text, 4) ? yyjson_read((const char *)text.ptr, text.len, 0) : NULL;
    bool good = bytes_equal_text(erasure_text(yyjson_doc_get_root(doc), "type"), ERASURE_TYPE);
    yyjson_doc_free(doc);
    return good ? FP_OK : FP_E_INPUT_INVALID;
}

static enum fp_error erasure_check_object(yyjson_val *object, const uint8_t *public_key,
                                          struct buf *statement_out)
{
    struct bytes statement = erasure_text(object, "statement");
    struct buf signature;
    enum fp_error error = statement.len != 0 ? FP_OK : FP_E_INPUT_INVALID;
    buf_init(&signature, SIGN_SIZE);
    if (error == FP_OK) {
        error = base64_decode(erasure_text(object, "signature"), &signature);
    }
    if (error == FP_OK) {
        error = sign_check(public_key, statement, buf_bytes(&signature));
    }
    if (error == FP_OK) {
        error = erasure_is_statement(statement);
    }
    if (error == FP_OK) {
        buf_append_bytes(statement_out, statement);
        error = buf_error(statement_out);
    }
    buf_done(&signature);
    return error == FP_E_LIMIT_EXCEEDED ? FP_E_INPUT_INVALID : error;
}

enum fp_error erasure_check(struct bytes text, const uint8_t public_key[static SIGN_PUBLIC_SIZE],
                            struct buf *statement_out)
{
    yyjson_doc *doc = text.len <= ERASURE_MAX && json_depth_within(text, 4)
                          ? yyjson_read((const char *)text.ptr, text.len, 0)
                          : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *inner = yyjson_obj_get(root, "certificate");
    enum fp_error error = FP_E_INPUT_INVALID;
    if (doc != NULL) {
        error = erasure_check_object(inner != NULL ? inner : root, public_key, statement_out);
    }
    yyjson_doc_free(doc);
    return error;
}
