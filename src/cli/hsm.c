// PKCS#11 2.40 (OASIS): one AES key in a token, which wraps the master key by AES-GCM. The module
// is a stranger's code: it runs in a child that ends when the one thing is done.
// SPDX-License-Identifier: Apache-2.0
#include "cli/hsm.h"

#include "base/limits.h"
#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/random.h"

#include <dlfcn.h>
#include <errno.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HSM_SLOTS  64
#define HSM_PIN    256
#define HSM_RESULT 128
#define HSM_DOMAIN "fishplate pkcs11 v1"

// What the child gets and what it tells, in one: both sides are this program.
struct hsm_job {
    bool make;                    // wrap key, else unwrap wrapped
    struct master_hsm hsm;        // the text's parts
    uint8_t key[MASTER_KEY_SIZE]; // the master key
    char pin[HSM_PIN];            // of the token's user
    size_t pin_len;               // of pin
    enum fp_error error;          // how it ended
    struct fp_note note;          // why
};

struct hsm {
    CK_FUNCTION_LIST *f;       // of the module
    CK_SESSION_HANDLE session; // logged in
    CK_OBJECT_HANDLE key;      // that wraps
};

static enum fp_error hsm_failed(struct hsm_job *job, const char *what, CK_RV code)
{
    if (code == CKR_PIN_INCORRECT || code == CKR_PIN_LEN_RANGE) {
        fp_note_set(&job->note, "", "the PIN is wrong");
        return FP_E_PASSPHRASE_WRONG;
    }
    fp_note_set(&job->note, "keys.pkcs11.module", "%s: PKCS#11 error 0x%lx%s", what, code,
                code == CKR_PIN_LOCKED ? " (the PIN is locked)" : "");
    return FP_E_KEY_INVALID;
}

static enum fp_error hsm_load(struct hsm *h, const char *module, struct hsm_job *job)
{
    CK_C_GetFunctionList list = NULL;
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_RV code = CKR_OK;
    if (symbol == NULL) {
        fp_note_set(&job->note, "keys.pkcs11.module", "It is no PKCS#11 module: %.200s", dlerror());
        return FP_E_KEY_INVALID;
    }
    memcpy(&list, &symbol, sizeof list);
    code = list(&h->f);
    if (code == CKR_OK) {
        code = h->f->C_Initialize(NULL);
    }
    return code == CKR_OK ? FP_OK : hsm_failed(job, "C_Initialize", code);
}

// Labels of tokens are 32 bytes, filled up with blanks.
static bool hsm_is_token(const CK_TOKEN_INFO *info, const char *label)
{
    size_t len = strlen(label);
    char padded[sizeof info->label];
    memset(padded, ' ', sizeof padded);
    if (len > sizeof padded) {
        return false;
    }
    memcpy(padded, label, len);
    return memcmp(padded, info->label, sizeof padded) == 0;
}

static enum fp_error hsm_log_in(struct hsm *h, struct hsm_job *job)
{
    CK_SLOT_ID slots[HSM_SLOTS];
    CK_ULONG count = HSM_SLOTS, at = 0;
    CK_TOKEN_INFO info;
    CK_RV code = h->f->C_GetSlotList(CK_TRUE, slots, &count);
    while (code == CKR_OK && at < count &&
           (h->f->C_GetTokenInfo(slots[at], &info) != CKR_OK ||
            !hsm_is_token(&info, job->hsm.token))) {
        at++;
    }
    if (code == CKR_OK && at == count) {
        fp_note_set(&job->note, "keys.pkcs11.token", "There is no token \"%s\".", job->hsm.token);
        return FP_E_KEY_INVALID;
    }
    if (code == CKR_OK) {
        code = h->f->C_OpenSession(slots[at], CKF_SERIAL_SESSION | (job->make ? CKF_RW_SESSION : 0),
                                   NULL, NULL, &h->session);
    }
    if (code == CKR_OK) {
        code = h->f->C_Login(h->session, CKU_USER, (CK_UTF8CHAR *)job->pin, job->pin_len);
    }
    return code == CKR_OK ? FP_OK : hsm_failed(job, "C_Login", code);
}

// Never leaves the token, and wraps nothing but what it is given here.
static CK_RV hsm_generate(struct hsm *h, struct hsm_job *job)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG length = AEAD_KEY_SIZE;
    CK_ATTRIBUTE attributes[] = {{CKA_TOKEN, &yes, sizeof yes},
                                 {CKA_PRIVATE, &yes, sizeof yes},
                                 {CKA_SENSITIVE, &yes, sizeof yes},
                                 {CKA_EXTRACTABLE, &no, sizeof no},
                                 {CKA_ENCRYPT, &yes, sizeof yes},
                                 {CKA_DECRYPT, &yes, sizeof yes},
                                 {CKA_VALUE_LEN, &length, sizeof length},
                                 {CKA_LABEL, job->hsm.label, strlen(job->hsm.label)}};
    return h->f->C_GenerateKey(h->session, &mechanism, attributes,
                               sizeof attributes / sizeof attributes[0], &h->key);
}

static enum fp_error hsm_find_key(struct hsm *h, struct hsm_job *job)
{
    CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &kind, sizeof kind},
                             {CKA_LABEL, job->hsm.label, strlen(job->hsm.label)}};
    CK_OBJECT_HANDLE found[2] = {0};
    CK_ULONG count = 0;
    CK_RV code = h->f->C_FindObjectsInit(h->session, wanted, 2);
    if (code == CKR_OK) {
        code = h->f->C_FindObjects(h->session, found, 2, &count);
        (void)h->f->C_FindObjectsFinal(h->session);
    }
    if (code == CKR_OK && count == 0 && job->make) {
        code = hsm_generate(h, job);
        return code == CKR_OK ? FP_OK : hsm_failed(job, "C_GenerateKey", code);
    }
    if (code == CKR_OK && count != 1) {
        fp_note_set(&job->note, "keys.pkcs11.key", "The token has %s key \"%s\".",
                    count == 0 ? "no" : "more than one", job->hsm.label);
        return FP_E_KEY_INVALID;
    }
    h->key = found[0];
    return code == CKR_OK ? FP_OK : hsm_failed(job, "C_FindObjects", code);
}

// Bound to the id of the master key.
static enum fp_error hsm_crypt(struct hsm *h, struct hsm_job *job)
{
    uint8_t aad[sizeof HSM_DOMAIN - 1 + KEY_ID_SIZE];
    CK_GCM_PARAMS gcm = {job->hsm.wrapped, AEAD_NONCE_SIZE,  AEAD_NONCE_SIZE * 8, aad,
                         sizeof aad,       AEAD_TAG_SIZE * 8};
    CK_MECHANISM mechanism = {CKM_AES_GCM, &gcm, sizeof gcm};
    uint8_t *sealed = job->hsm.wrapped + AEAD_NONCE_SIZE;
    const CK_ULONG sealed_len = MASTER_KEY_SIZE + AEAD_TAG_SIZE;
    const CK_ULONG expected = job->make ? sealed_len : MASTER_KEY_SIZE;
    uint8_t result[HSM_RESULT]; // some modules want room for the tag when they decrypt, too
    CK_ULONG len = sizeof result;
    CK_RV code = CKR_OK;
    memcpy(aad, HSM_DOMAIN, sizeof HSM_DOMAIN - 1);
    memcpy(aad + sizeof HSM_DOMAIN - 1, job->hsm.id.b, KEY_ID_SIZE);
    if (job->make) {
        code = h->f->C_EncryptInit(h->session, &mechanism, h->key);
        code = code == CKR_OK ? h->f->C_Encrypt(h->session, job->key, MASTER_KEY_SIZE, result, &len)
                              : code;
    } else {
        code = h->f->C_DecryptInit(h->session, &mechanism, h->key);
        code =
            code == CKR_OK ? h->f->C_Decrypt(h->session, sealed, sealed_len, result, &len) : code;
    }
    if (code == CKR_OK && len != expected) {
        code = CKR_GENERAL_ERROR;
    }
    if (code == CKR_OK) {
        memcpy(job->make ? sealed : job->key, result, expected);
    }
    mem_wipe(result, sizeof result);
    return code == CKR_OK ? FP_OK : hsm_failed(job, "AES-GCM in the token", code);
}

// The module's own clean-up at the end of a process is left out: some crash in it.
_Noreturn static void hsm_child(const struct config *config, struct hsm_job *job, int fd)
{
    struct hsm h = {0};
    ssize_t written = 0;
    job->error = hsm_load(&h, config->pkcs11_module, job);
    job->error = job->error == FP_OK ? hsm_log_in(&h, job) : job->error;
    job->error = job->error == FP_OK ? hsm_find_key(&h, job) : job->error;
    job->error = job->error == FP_OK ? hsm_crypt(&h, job) : job->error;
    if (h.session != 0) {
        (void)h.f->C_Logout(h.session);
        (void)h.f->C_CloseSession(h.session);
    }
    written = write(fd, job, sizeof *job);
    mem_wipe(job, sizeof *job);
    _exit(written == (ssize_t)sizeof *job ? 0 : 1);
}

static enum fp_error hsm_run(const struct config *config, struct hsm_job *job)
{
    struct hsm_job done = {0};
    int fds[2], status = 0;
    ssize_t got = 0;
    pid_t pid = -1;
    if (pipe(fds) != 0) {
        return FP_E_IO_FAILED;
    }
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        hsm_child(config, job, fds[1]);
    }
    close(fds[1]);
    got = pid > 0 ? read(fds[0], &done, sizeof done) : -1;
    close(fds[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (got == (ssize_t)sizeof done) {
        *job = done;
    } else {
        fp_note_set(&job->note, "keys.pkcs11.module", "The module crashed, or said nothing.");
        job->error = FP_E_KEY_INVALID;
    }
    mem_wipe(&done, sizeof done);
    return job->error;
}

static enum fp_error hsm_begin(const struct config *config, const struct buf *secret,
                               struct hsm_job *job, struct fp_note *note)
{
    if (config->pkcs11_module[0] == '\0' || config->pkcs11_token[0] == '\0') {
        fp_note_set(note, "keys.pkcs11.module",
                    "A PKCS#11 key needs keys.pkcs11.module and keys.pkcs11.token.");
        return FP_E_CONFIG_INVALID;
    }
    if (secret->len > sizeof job->pin) {
        return FP_E_INPUT_INVALID;
    }
    memcpy(job->pin, secret->ptr, secret->len);
    job->pin_len = secret->len;
    return FP_OK;
}

// The key in place of the PIN.
static enum fp_error hsm_end(struct hsm_job *job, enum fp_error error, struct buf *secret,
                             struct fp_note *note)
{
    buf_clear(secret);
    if (error == FP_OK) {
        buf_append(secret, job->key, sizeof job->key);
        error = buf_error(secret);
    } else if (job->note.text[0] != '\0' && note != NULL) {
        *note = job->note;
    }
    mem_wipe(job, sizeof *job);
    return error;
}

enum fp_error hsm_unwrap(const struct config *config, int fd, struct buf *secret,
                         struct fp_note *note)
{
    struct hsm_job job = {.make = false};
    struct secret text = {0};
    enum fp_error error = hsm_begin(config, secret, &job, note);
    error =
        error == FP_OK ? master_source_read(master_source_find("pkcs11"), fd, &text, note) : error;
    error = error == FP_OK ? master_hsm_read(secret_bytes(&text), &job.hsm, note) : error;
    error = error == FP_OK ? hsm_run(config, &job) : error;
    secret_done(&text);
    return hsm_end(&job, error, secret, note);
}

enum fp_error hsm_make(const struct config *config, int dir_fd, const char *name,
                       struct buf *secret, struct fp_note *note)
{
    struct hsm_job job = {.make = true};
    struct secret key = {0};
    struct buf text;
    enum fp_error error = hsm_begin(config, secret, &job, note);
    buf_init(&text, FP_LIMIT_KEY_FILE);
    snprintf(job.hsm.token, sizeof job.hsm.token, "%s", config->pkcs11_token);
    snprintf(job.hsm.label, sizeof job.hsm.label, "%s", config->pkcs11_key);
    random_bytes(job.hsm.id.b, sizeof job.hsm.id.b);
    random_bytes(job.hsm.wrapped, AEAD_NONCE_SIZE);
    random_bytes(job.key, sizeof job.key);
    error = error == FP_OK ? hsm_run(config, &job) : error;
    error = error == FP_OK ? secret_copy(bytes_of(job.key, sizeof job.key), &key) : error;
    error = error == FP_OK ? master_hsm_write(&job.hsm, &key, &text) : error;
    error = error == FP_OK ? master_source_write(buf_bytes(&text), dir_fd, name) : error;
    secret_done(&key);
    buf_done(&text);
    return hsm_end(&job, error, secret, note);
}
