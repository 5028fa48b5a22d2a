// Making, checking and judging passwords.
// SPDX-License-Identifier: Apache-2.0
#include "keys/password.h"

#include "base/limits.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include <argon2.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD_HEAD   "argon2id1" // memory, passes and lanes below
#define PASSWORD_MEMORY 65536       // KiB; RFC 9106 4, second recommended option
#define PASSWORD_PASSES 3
#define PASSWORD_LANES  4
#define PASSWORD_SALT   16
#define PASSWORD_HASH   32
#define PASSWORD_OWN    8 // bytes that no known word explains

// One thread for all lanes: see master_passphrase.c.
static enum fp_error password_derive(struct bytes password, const uint8_t *salt,
                                     uint8_t out[static PASSWORD_HASH])
{
    uint8_t own_salt[PASSWORD_SALT];
    struct secret copy = {0};
    int result = ARGON2_OK;
    enum fp_error error = secret_copy(password, &copy);
    if (error != FP_OK) {
        return error;
    }
    memcpy(own_salt, salt, sizeof own_salt);
    argon2_context context = {.out = out,
                              .outlen = PASSWORD_HASH,
                              .pwd = copy.ptr,
                              .pwdlen = (uint32_t)copy.len,
                              .salt = own_salt,
                              .saltlen = sizeof own_salt,
                              .t_cost = PASSWORD_PASSES,
                              .m_cost = PASSWORD_MEMORY,
                              .lanes = PASSWORD_LANES,
                              .threads = 1,
                              .version = ARGON2_VERSION_NUMBER};
    result = argon2id_ctx(&context);
    secret_done(&copy);
    return result == ARGON2_OK                        ? FP_OK
           : result == ARGON2_MEMORY_ALLOCATION_ERROR ? FP_E_NO_MEMORY
                                                      : FP_E_CRYPTO_FAILED;
}

enum fp_error password_make(struct bytes password, char out[static PASSWORD_TEXT + 1])
{
    uint8_t salt[PASSWORD_SALT], hash[PASSWORD_HASH];
    char salt_text[2 * PASSWORD_SALT + 1] = "", hash_text[2 * PASSWORD_HASH + 1] = "";
    enum fp_error error = FP_OK;
    random_bytes(salt, sizeof salt);
    error = password_derive(password, salt, hash);
    if (error == FP_OK) {
        hex_encode(bytes_of(salt, sizeof salt), salt_text);
        hex_encode(bytes_of(hash, sizeof hash), hash_text);
        salt_text[sizeof salt_text - 1] = '\0';
        hash_text[sizeof hash_text - 1] = '\0';
        snprintf(out, PASSWORD_TEXT + 1, "%s %s %s", PASSWORD_HEAD, salt_text, hash_text);
    }
    return error;
}

enum fp_error password_check(const char *stored, struct bytes password, bool *right_out)
{
    uint8_t salt[PASSWORD_SALT] = {0}, wanted[PASSWORD_HASH] = {0}, hash[PASSWORD_HASH];
    struct bytes rest = bytes_of_text(stored), head = {0}, salt_text = {0};
    bool known = bytes_split(&rest, ' ', &head) && bytes_equal_text(head, PASSWORD_HEAD) &&
                 bytes_split(&rest, ' ', &salt_text) &&
                 hex_decode(salt_text, salt, sizeof salt) == FP_OK &&
                 hex_decode(rest, wanted, sizeof wanted) == FP_OK;
    enum fp_error error = password_derive(password, salt, hash);
    if (error == FP_OK) {
        bool same =
            secret_bytes_equal(bytes_of(hash, sizeof hash), bytes_of(wanted, sizeof wanted));
        *right_out = known && same;
    }
    return error;
}

// What long passwords of lazy people are made of (SP 800-63B-4 3.1.1.2): one that is nothing but
// these words, digits and signs is refused.
static const char *const common[] = {"password",   "passwort",      "passw0rd",
                                     "fishplate",  "administrator", "admin",
                                     "qwertyuiop", "qwertzuiop",    "qwerty",
                                     "qwertz",     "asdfghjkl",     "letmein",
                                     "welcome",    "willkommen",    "changeme",
                                     "iloveyou",   "geheim",        "secret",
                                     "abcdefghij", "abc",           "abcd",
                                     "dragon",     "monkey",        "sunshine",
                                     "princess",   "football",      "hallo",
                                     "hello",      "master",        "login",
                                     "company",    "operator",      "correcthorsebatterystaple"};

// In small letters, and as the letter that a digit or sign is put for.
static char folded(uint8_t c)
{
    static const char from[] = "4@0315$7!";
    static const char to[] = "aaoeisstl";
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at != NULL) {
        return to[at - from];
    }
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool word_at(struct bytes text, size_t at, struct bytes word)
{
    if (word.len < 3 || text.len - at < word.len) {
        return false;
    }
    for (size_t i = 0; i < word.len; i++) {
        if (folded(text.ptr[at + i]) != folded(word.ptr[i])) {
            return false;
        }
    }
    return true;
}

// How many bytes at this place belong to a word that everybody tries; 0: none.
static size_t common_at(struct bytes text, size_t at, struct bytes context)
{
    size_t longest = 0;
    struct bytes rest = context, piece = {0};
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        struct bytes word = bytes_of_text(common[i]);
        if (word.len > longest && word_at(text, at, word)) {
            longest = word.len;
        }
    }
    while (rest.len != 0 && bytes_split(&rest, '@', &piece)) {
        struct bytes part = {0};
        while (piece.len != 0 && bytes_split(&piece, '.', &part)) {
            longest = part.len > longest && word_at(text, at, part) ? part.len : longest;
        }
    }
    return longest;
}

// Bytes that no known word explains, and that do not just repeat or count on.
static size_t password_own(struct bytes password, struct bytes context)
{
    size_t own = 0;
    for (size_t i = 0; i < password.len;) {
        size_t word = common_at(password, i, context);
        int step = i != 0 ? password.ptr[i] - password.ptr[i - 1] : 7;
        if (word != 0) {
            i += word;
            continue;
        }
        own += step >= -1 && step <= 1 ? 0 : 1;
        i++;
    }
    return own;
}

const char *password_fault(struct bytes password, struct bytes context)
{
    size_t characters = 0;
    for (size_t i = 0; i < password.len; i++) {
        characters += (password.ptr[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    if (!bytes_is_utf8(password) || password.len > FP_LIMIT_OPERATOR_PASSWORD_MAX) {
        return "It is longer than 256 bytes, or no text.";
    }
    if (characters < FP_LIMIT_OPERATOR_PASSWORD_MIN) {
        return "It needs at least 15 characters. Several words with blanks between them are good.";
    }
    if (password_own(password, context) < PASSWORD_OWN) {
        return "It is one of those that guessers try first. Choose words that have nothing to do "
               "with each other.";
    }
    return NULL;
}
