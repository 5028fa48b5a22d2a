// Making an X.509 certificate with OpenSSL (RFC 5280).
// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SERIAL_SIZE 16
#define HOUR_S      3600
#define DAY_S       86400

struct extension {
    int nid;           // which
    const char *value; // in OpenSSL's own notation
};

static bool certificate_extend(X509 *x509, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension = NULL;
    bool good = false;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    good = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

// Letters, digits, dashes and dots only: what may stand in the notation above without escaping.
static bool certificate_is_dns_name(const char *name)
{
    size_t length = name == NULL ? 0 : strlen(name);
    if (length == 0 || length > 253 || strcmp(name, "localhost") == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '.') {
            return false;
        }
    }
    return true;
}

static bool certificate_add_extensions(X509 *x509, const char *hostname)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
    };
    struct buf names;
    bool good = true;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0] && good; i++) {
        good = certificate_extend(x509, extensions[i].nid, extensions[i].value);
    }
    buf_init(&names, 512);
    buf_append_text(&names, "DNS:localhost,IP:127.0.0.1,IP:::1");
    if (certificate_is_dns_name(hostname)) {
        buf_printf(&names, ",DNS:%s", hostname);
    }
    good = good && buf_error(&names) == FP_OK &&
           certificate_extend(x509, NID_subject_alt_name, buf_text(&names));
    buf_done(&names);
    return good;
}

static bool certificate_set_serial(X509 *x509)
{
    unsigned char random[SERIAL_SIZE];
    BIGNUM *number = NULL;
    bool good = RAND_bytes(random, sizeof random) == 1;
    random[0] = (unsigned char)((random[0] & 0x7f) | 0x40); // positive, and never short
    number = good ? BN_bin2bn(random, sizeof random, NULL) : NULL;
    good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return good;
}

static X509 *certificate_sign(EVP_PKEY *key, const char *hostname, int64_t now_s)
{
    X509 *x509 = X509_new();
    X509_NAME *name = x509 == NULL ? NULL : X509_get_subject_name(x509);
    bool good =
        name != NULL && X509_set_version(x509, X509_VERSION_3) == 1 &&
        certificate_set_serial(x509) &&
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                   (const unsigned char *)"Fishplate development certificate", -1,
                                   -1, 0) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
                                   -1, 0) == 1 &&
        X509_set_issuer_name(x509, name) == 1 &&
        ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)(now_s - HOUR_S)) != NULL &&
        ASN1_TIME_set(X509_getm_notAfter(x509),
                      (time_t)(now_s + (int64_t)CERTIFICATE_DAYS * DAY_S - HOUR_S)) != NULL &&
        X509_set_pubkey(x509, key) == 1 && certificate_add_extensions(x509, hostname) &&
        X509_sign(x509, key, EVP_sha256()) > 0;
    if (!good) {
        X509_free(x509);
        return NULL;
    }
    return x509;
}

static bool certificate_drain(BIO *bio, struct buf *out)
{
    char *text = NULL;
    long length = BIO_get_mem_data(bio, &text);
    if (length > 0) {
        buf_append(out, text, (size_t)length);
    }
    return length > 0 && buf_error(out) == FP_OK;
}

enum fp_error certificate_make(const char *hostname, int64_t now_s, struct buf *certificate_out,
                               struct buf *key_out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = key == NULL ? NULL : certificate_sign(key, hostname, now_s);
    BIO *certificate_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_secmem()); // wiped when freed
    bool good = x509 != NULL && certificate_bio != NULL && key_bio != NULL &&
                PEM_write_bio_X509(certificate_bio, x509) == 1 &&
                PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                certificate_drain(certificate_bio, certificate_out) &&
                certificate_drain(key_bio, key_out);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    X509_free(x509);
    EVP_PKEY_free(key);
    return good ? FP_OK : FP_E_CRYPTO_FAILED;
}
