// The table from our actions to OCSF classes, and one event of it.
// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_ocsf.h"

#include "audit/audit.h"
#include "base/clock.h"
#include "base/json_out.h"

#include <string.h>

// https://schema.ocsf.io/1.3.0: class_uid and its category
enum ocsf_class {
    OCSF_AUTHENTICATION = 3002,
    OCSF_ENTITY_MANAGEMENT = 3004,
    OCSF_APPLICATION_LIFECYCLE = 6002,
    OCSF_API_ACTIVITY = 6003
};

// activity_id: what it means depends on the class.
enum ocsf_activity {
    OCSF_CREATE = 1,
    OCSF_READ = 2,
    OCSF_UPDATE = 3,
    OCSF_DELETE = 4,
    OCSF_LOGON = 1,
    OCSF_TICKET = 3, // authentication ticket
    OCSF_RENEW = 5,  // service ticket renew
    OCSF_INSTALL = 1,
    OCSF_START = 3,
    OCSF_STOP = 4,
    OCSF_OTHER = 99
};

static const struct ocsf_row {
    enum audit_action action; // ours
    enum ocsf_class class;    // theirs
    unsigned activity;        // theirs
} ocsf_rows[] = {
    {AUDIT_LOG_START, OCSF_APPLICATION_LIFECYCLE, OCSF_START},
    {AUDIT_LOG_STOP, OCSF_APPLICATION_LIFECYCLE, OCSF_STOP},
    {AUDIT_VAULT_SEAL, OCSF_APPLICATION_LIFECYCLE, OCSF_STOP},
    {AUDIT_VAULT_UNSEAL, OCSF_APPLICATION_LIFECYCLE, OCSF_START},
    {AUDIT_STORE_INIT, OCSF_APPLICATION_LIFECYCLE, OCSF_INSTALL},
    {AUDIT_CREDENTIAL_USE, OCSF_API_ACTIVITY, OCSF_READ},
    {AUDIT_DATA_CALL, OCSF_API_ACTIVITY, OCSF_READ},
    {AUDIT_CREDENTIAL_VERIFY, OCSF_API_ACTIVITY, OCSF_OTHER},
    {AUDIT_CREDENTIAL_REJECTED, OCSF_API_ACTIVITY, OCSF_OTHER},
    {AUDIT_TOKEN_ISSUE, OCSF_AUTHENTICATION, OCSF_TICKET},
    {AUDIT_CODE_ISSUE, OCSF_AUTHENTICATION, OCSF_TICKET},
    {AUDIT_TOKEN_REFRESH, OCSF_AUTHENTICATION, OCSF_RENEW},
    {AUDIT_TOKEN_REUSE, OCSF_AUTHENTICATION, OCSF_OTHER},
    {AUDIT_TOKEN_REFUSE, OCSF_AUTHENTICATION, OCSF_LOGON},
    {AUDIT_CLIENT_REFUSE, OCSF_AUTHENTICATION, OCSF_LOGON},
    {AUDIT_OPERATOR_LOGIN, OCSF_AUTHENTICATION, OCSF_LOGON},
};

// The rest is about entities, and the word behind the dot says what was done to one.
static const struct {
    const char *word;  // of our action
    unsigned activity; // theirs
} ocsf_words[] = {
    {"create", OCSF_CREATE}, {"store", OCSF_CREATE},   {"view", OCSF_READ},
    {"export", OCSF_READ},   {"update", OCSF_UPDATE},  {"change", OCSF_UPDATE},
    {"set", OCSF_UPDATE},    {"rotate", OCSF_UPDATE},  {"state", OCSF_UPDATE},
    {"delete", OCSF_DELETE}, {"destroy", OCSF_DELETE}, {"erase", OCSF_DELETE},
    {"revoke", OCSF_DELETE}, {"end", OCSF_DELETE},
};

static struct ocsf_row ocsf_find(const char *action)
{
    struct ocsf_row row = {AUDIT_ACTION_COUNT, OCSF_APPLICATION_LIFECYCLE, OCSF_OTHER};
    const char *word = strchr(action, '.');
    for (size_t i = 0; i < sizeof ocsf_rows / sizeof ocsf_rows[0]; i++) {
        if (strcmp(audit_action_text(ocsf_rows[i].action), action) == 0) {
            return ocsf_rows[i];
        }
    }
    if (strncmp(action, "log.", 4) == 0 || word == NULL) {
        return row;
    }
    row.class = OCSF_ENTITY_MANAGEMENT;
    for (size_t i = 0; i < sizeof ocsf_words / sizeof ocsf_words[0]; i++) {
        if (strcmp(word + 1, ocsf_words[i].word) == 0) {
            row.activity = ocsf_words[i].activity;
        }
    }
    return row;
}

static const char *ocsf_text(yyjson_val *record, const char *name)
{
    return yyjson_get_str(yyjson_obj_get(record, name));
}

static void ocsf_class(struct json_out *j, struct ocsf_row row)
{
    json_member_i64(j, "class_uid", row.class);
    json_member_i64(j, "category_uid", row.class / 1000);
    json_member_i64(j, "activity_id", row.activity);
    json_member_i64(j, "type_uid", (int64_t)row.class * 100 + row.activity);
}

// What the action is about: the most particular id that the record has.
static void ocsf_entity(struct json_out *j, yyjson_val *record, const char *action)
{
    static const char *const members[] = {"token", "connection", "customer", "application"};
    char type[64];
    const char *dot = strchr(action, '.');
    const char *uid = NULL;
    size_t len = dot != NULL ? (size_t)(dot - action) : strlen(action);
    for (size_t i = 0; i < sizeof members / sizeof members[0] && uid == NULL; i++) {
        uid = ocsf_text(record, members[i]);
    }
    (void)bytes_to_text(bytes_slice(bytes_of_text(action), 0, len), type, sizeof type);
    json_name(j, "entity");
    json_begin_object(j);
    json_member_text_c(j, "type", type);
    json_member_text_c(j, "name", uid != NULL ? uid : type);
    json_member_text_c(j, "uid", uid);
    json_end_object(j);
}

static void ocsf_actor(struct json_out *j, yyjson_val *record)
{
    json_name(j, "actor");
    json_begin_object(j);
    json_member_text_c(j, "app_uid", ocsf_text(record, "application"));
    json_name(j, "user");
    json_begin_object(j);
    json_member_text_c(j, "type", ocsf_text(record, "actor"));
    json_member_text_c(j, "uid", ocsf_text(record, "actor_id"));
    json_end_object(j);
    json_end_object(j);
}

static void ocsf_metadata(struct json_out *j, yyjson_val *record)
{
    json_name(j, "metadata");
    json_begin_object(j);
    json_member_text_c(j, "version", "1.3.0");
    json_member_text_c(j, "log_name", "fishplate-audit");
    json_member_i64(j, "sequence", (int64_t)yyjson_get_uint(yyjson_obj_get(record, "seq")));
    json_member_text_c(j, "uid", ocsf_text(record, "hash"));
    json_member_text_c(j, "correlation_uid", ocsf_text(record, "request_id"));
    json_name(j, "product");
    json_begin_object(j);
    json_member_text_c(j, "name", "Fishplate");
    json_member_text_c(j, "vendor_name", "Fishplate");
    json_member_text_c(j, "version", FP_VERSION);
    json_end_object(j);
    json_end_object(j);
}

// Members that OCSF has no place for.
static void ocsf_unmapped(struct json_out *j, yyjson_val *record)
{
    static const char *const members[] = {"customer", "application", "connection", "token"};
    json_name(j, "unmapped");
    json_begin_object(j);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (ocsf_text(record, members[i]) != NULL) {
            json_member_text_c(j, members[i], ocsf_text(record, members[i]));
        }
    }
    json_end_object(j);
}

static void ocsf_api(struct json_out *j, yyjson_val *record, const char *action)
{
    json_name(j, "api");
    json_begin_object(j);
    json_member_text_c(j, "operation", action);
    json_name(j, "request");
    json_begin_object(j);
    json_member_text_c(j, "uid", ocsf_text(record, "request_id"));
    json_end_object(j);
    json_end_object(j);
}

enum fp_error audit_ocsf_write(yyjson_val *record, struct bytes text, struct buf *out)
{
    struct json_out j = json_out_start(out);
    const char *action = ocsf_text(record, "action"), *result = ocsf_text(record, "result");
    const char *address = ocsf_text(record, "address");
    const bool good = result == NULL || strcmp(result, "OK") == 0;
    int64_t time_ms = 0;
    struct ocsf_row row;
    if (action == NULL || !clock_parse(bytes_of_text(ocsf_text(record, "time")), &time_ms)) {
        return FP_E_INPUT_INVALID;
    }
    row = ocsf_find(action);
    json_begin_object(&j);
    ocsf_class(&j, row);
    json_member_i64(&j, "time", time_ms);
    json_member_i64(&j, "severity_id", good ? 1 : 3); // informational, medium
    json_member_i64(&j, "status_id", good ? 1 : 2);   // success, failure
    json_member_text_c(&j, "status_code", result);
    json_member_text_c(&j, "message", action);
    ocsf_metadata(&j, record);
    ocsf_actor(&j, record);
    if (address != NULL) {
        json_name(&j, "src_endpoint");
        json_begin_object(&j);
        json_member_text_c(&j, "ip", address);
        json_end_object(&j);
    }
    if (row.class == OCSF_API_ACTIVITY) {
        ocsf_api(&j, record, action);
    } else if (row.class == OCSF_ENTITY_MANAGEMENT) {
        ocsf_entity(&j, record, action);
    }
    ocsf_unmapped(&j, record);
    json_name(&j, "raw_data");
    json_text(&j, text);
    json_end_object(&j);
    return buf_error(out);
}
