// Rows and their authenticators. Last uses are left out: they are coarse, decide nothing, and are
// written without the row.
// SPDX-License-Identifier: Apache-2.0
#include "registry/proof.h"

#include <string.h>

#define PROOF_PARTS   20
#define PROOF_NUMBERS 8

struct proof {
    struct bytes parts[PROOF_PARTS];   // of the row, in a fixed order
    size_t count;                      // of parts
    uint8_t numbers[PROOF_NUMBERS][8]; // numbers of the row, big-endian
    size_t number_count;               // of numbers
};

static void proof_text(struct proof *proof, const char *text)
{
    proof->parts[proof->count++] = bytes_of_text(text);
}

static void proof_number(struct proof *proof, uint64_t value)
{
    uint8_t *raw = proof->numbers[proof->number_count++];
    for (size_t i = 0; i < 8; i++) {
        raw[i] = (uint8_t)(value >> (8 * (7 - i)));
    }
    proof->parts[proof->count++] = bytes_of(raw, 8);
}

static void proof_of_token(const struct store_token *row, struct proof *out)
{
    proof_text(out, row->id);
    out->parts[out->count++] = bytes_of(row->hash, sizeof row->hash);
    proof_number(out, row->kind);
    proof_text(out, row->owner);
    proof_text(out, row->application);
    proof_text(out, row->scopes);
    proof_number(out, (uint64_t)row->created_ms);
    proof_number(out, (uint64_t)row->expires_ms);
    proof_number(out, (uint64_t)row->revoked_ms);
    proof_text(out, row->reason);
    // rows from before there were families or bindings keep their proof; how many parts follow
    // tells which of them, so that no column can pass for another
    if (row->binding[0] != '\0' || row->addresses[0] != '\0') {
        proof_text(out, row->family);
        proof_text(out, row->binding);
        proof_text(out, row->addresses);
    } else if (row->family[0] != '\0') {
        proof_text(out, row->family);
    }
}

static void proof_of_code(const struct store_code *row, struct proof *out)
{
    proof_text(out, row->id);
    out->parts[out->count++] = bytes_of(row->hash, sizeof row->hash);
    proof_text(out, row->connection);
    proof_text(out, row->application);
    proof_text(out, row->redirect_uri);
    proof_number(out, row->redirect_named);
    proof_text(out, row->challenge);
    proof_text(out, row->scopes);
    proof_text(out, row->family);
    proof_number(out, (uint64_t)row->created_ms);
    proof_number(out, (uint64_t)row->expires_ms);
    proof_number(out, (uint64_t)row->redeemed_ms);
}

static void proof_of_connection(const struct store_connection *row, struct proof *out)
{
    proof_text(out, row->id);
    proof_text(out, row->application);
    proof_text(out, row->customer);
    proof_text(out, row->platform);
    proof_number(out, row->state);
    proof_text(out, row->reason);
    proof_text(out, row->networks);
    proof_text(out, row->account);
    proof_number(out, row->credential_version);
    proof_number(out, (uint64_t)row->created_ms);
    proof_number(out, (uint64_t)row->changed_ms);
}

static void proof_of_application(const struct store_application *row, struct proof *out)
{
    proof_text(out, row->id);
    proof_text(out, row->name);
    proof_text(out, row->environment);
    proof_text(out, row->networks);
    proof_number(out, (uint64_t)row->created_ms);
    // rows from before there was an OAuth server keep their proof
    if (row->redirect_uris[0] != '\0' || row->access_s != 0 || row->refresh_s != 0 ||
        row->pkce_optional != 0) {
        proof_text(out, row->redirect_uris);
        proof_number(out, row->access_s);
        proof_number(out, row->refresh_s);
        proof_number(out, row->pkce_optional);
    }
}

static void proof_of_connect_link(const struct store_connect_link *row, struct proof *out)
{
    proof_text(out, row->id);
    out->parts[out->count++] = bytes_of(row->hash, sizeof row->hash);
    proof_number(out, row->kind);
    proof_text(out, row->application);
    proof_text(out, row->name);
    proof_text(out, row->email);
    proof_text(out, row->platforms);
    proof_text(out, row->connection);
    proof_text(out, row->return_url);
    proof_text(out, row->redirect_uri);
    proof_text(out, row->oauth_state);
    proof_text(out, row->code_challenge);
    proof_text(out, row->scopes);
    proof_number(out, row->redirect_named);
    proof_number(out, row->attempts);
    proof_number(out, (uint64_t)row->created_ms);
    proof_number(out, (uint64_t)row->expires_ms);
    proof_number(out, (uint64_t)row->ended_ms);
    proof_text(out, row->connected);
}

static void proof_of_operator(const struct store_operator *row, struct proof *out)
{
    proof_text(out, row->id);
    proof_text(out, row->email);
    proof_number(out, row->role);
    proof_text(out, row->password);
    out->parts[out->count++] = row->totp;
    proof_number(out, (uint64_t)row->totp_step);
    out->parts[out->count++] = bytes_of(row->link_hash, sizeof row->link_hash);
    proof_number(out, (uint64_t)row->link_expires_ms);
    proof_number(out, (uint64_t)row->disabled_ms);
}

static void proof_of_session(const struct store_session *row, struct proof *out)
{
    proof_text(out, row->id);
    out->parts[out->count++] = bytes_of(row->hash, sizeof row->hash);
    proof_text(out, row->person);
    proof_number(out, (uint64_t)row->created_ms);
    proof_number(out, (uint64_t)row->expires_ms);
    proof_number(out, (uint64_t)row->fresh_ms);
}

static void proof_of_webhook(const struct store_webhook *row, struct proof *out)
{
    proof_text(out, row->id);
    proof_text(out, row->application);
    proof_text(out, row->url);
    proof_number(out, row->events);
    out->parts[out->count++] = row->sealed;
    proof_number(out, (uint64_t)row->created_ms);
    proof_number(out, (uint64_t)row->disabled_ms);
    proof_text(out, row->reason);
}

// What is sent and where to: how far it is decides nothing.
static void proof_of_delivery(const struct store_delivery *row, struct proof *out)
{
    proof_text(out, row->id);
    proof_text(out, row->webhook);
    proof_text(out, row->connection);
    proof_number(out, row->event);
    out->parts[out->count++] = row->body;
    proof_number(out, (uint64_t)row->created_ms);
}

enum fp_error proof_make_token(struct keyring *ring, struct store_token *row)
{
    struct proof proof = {0};
    proof_of_token(row, &proof);
    return keyring_authenticate(ring, "token", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_make_connection(struct keyring *ring, struct store_connection *row)
{
    struct proof proof = {0};
    proof_of_connection(row, &proof);
    return keyring_authenticate(ring, "connection", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_make_application(struct keyring *ring, struct store_application *row)
{
    struct proof proof = {0};
    proof_of_application(row, &proof);
    return keyring_authenticate(ring, "application", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_token(struct keyring *ring, const struct store_token *row)
{
    struct proof proof = {0};
    proof_of_token(row, &proof);
    return keyring_authentic(ring, "token", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_connection(struct keyring *ring, const struct store_connection *row)
{
    struct proof proof = {0};
    proof_of_connection(row, &proof);
    return keyring_authentic(ring, "connection", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_application(struct keyring *ring, const struct store_application *row)
{
    struct proof proof = {0};
    proof_of_application(row, &proof);
    return keyring_authentic(ring, "application", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_make_connect_link(struct keyring *ring, struct store_connect_link *row)
{
    struct proof proof = {0};
    proof_of_connect_link(row, &proof);
    return keyring_authenticate(ring, "connect_link", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_connect_link(struct keyring *ring, const struct store_connect_link *row)
{
    struct proof proof = {0};
    proof_of_connect_link(row, &proof);
    return keyring_authentic(ring, "connect_link", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_make_code(struct keyring *ring, struct store_code *row)
{
    struct proof proof = {0};
    proof_of_code(row, &proof);
    return keyring_authenticate(ring, "code", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_code(struct keyring *ring, const struct store_code *row)
{
    struct proof proof = {0};
    proof_of_code(row, &proof);
    return keyring_authentic(ring, "code", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_make_operator(struct keyring *ring, struct store_operator *row)
{
    struct proof proof = {0};
    proof_of_operator(row, &proof);
    return keyring_authenticate(ring, "operator", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_operator(struct keyring *ring, const struct store_operator *row)
{
    struct proof proof = {0};
    proof_of_operator(row, &proof);
    return keyring_authentic(ring, "operator", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_make_session(struct keyring *ring, struct store_session *row)
{
    struct proof proof = {0};
    proof_of_session(row, &proof);
    return keyring_authenticate(ring, "session", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_session(struct keyring *ring, const struct store_session *row)
{
    struct proof proof = {0};
    proof_of_session(row, &proof);
    return keyring_authentic(ring, "session", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_make_webhook(struct keyring *ring, struct store_webhook *row)
{
    struct proof proof = {0};
    proof_of_webhook(row, &proof);
    return keyring_authenticate(ring, "webhook", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_webhook(struct keyring *ring, const struct store_webhook *row)
{
    struct proof proof = {0};
    proof_of_webhook(row, &proof);
    return keyring_authentic(ring, "webhook", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_make_delivery(struct keyring *ring, struct store_delivery *row)
{
    struct proof proof = {0};
    proof_of_delivery(row, &proof);
    return keyring_authenticate(ring, "delivery", proof.parts, proof.count, row->authenticator);
}

enum fp_error proof_check_delivery(struct keyring *ring, const struct store_delivery *row)
{
    struct proof proof = {0};
    proof_of_delivery(row, &proof);
    return keyring_authentic(ring, "delivery", proof.parts, proof.count, row->authenticator);
}
