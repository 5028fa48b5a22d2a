// A stranger's check: every byte changed, every line removed, moved, doubled or made anew is found
// and named. SPDX-License-Identifier: Apache-2.0
#include "audit_world.h"

#include "audit/audit_chain.h"
#include "audit/audit_line.h"
#include "audit/audit_segment.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"

#define LINES_MAX 64

struct lines {
    char *text;                // whole file, owned
    size_t len;                // of it
    const char *at[LINES_MAX]; // begins of lines
    size_t size[LINES_MAX];    // with their ends
    size_t count;              // of lines
};

// A log of eleven records: start, six, checkpoint after the fifth, stop, a last checkpoint.
static struct lines make_log(struct world *w)
{
    struct lines l = {0};
    const char *at = NULL;
    w->options.checkpoint_records = 5;
    world_open(w);
    append(w, 6);
    world_close(w);
    l.text = file_read(w, FIRST_FILE, &l.len);
    for (at = l.text; at < l.text + l.len; l.count++) {
        const char *end = strchr(at, '\n') + 1;
        assert_true(l.count < LINES_MAX);
        l.at[l.count] = at;
        l.size[l.count] = (size_t)(end - at);
        at = end;
    }
    assert_int_equal(l.count, 10);
    return l;
}

static struct audit_finding check(const struct world *w, struct bytes data, enum fp_error expected)
{
    struct audit_finding f;
    assert_int_equal(audit_verify_bytes(data, audit_signer_public(w->signer), &f), expected);
    assert_int_equal(f.text[0] != '\0', expected != FP_OK);
    return f;
}

static void test_audit_verify__every_changed_byte(void **state)
{
    struct world *w = *state;
    struct lines l = make_log(w);
    for (size_t i = 0; i < l.len; i++) {
        size_t line = 0;
        struct audit_finding f;
        char was = l.text[i];
        while (line + 1 < l.count && l.at[line + 1] <= l.text + i) {
            line++;
        }
        l.text[i] = was == '7' ? '6' : '7';
        f = check(w, bytes_of(l.text, l.len), FP_E_AUDIT_BROKEN);
        assert_int_equal(f.line, line + 1);
        // by its place, also where its own number was changed; a first record may have any
        assert_true(f.seq == line + 1 || line == 0);
        l.text[i] = was;
    }
    (void)check(w, bytes_of(l.text, l.len), FP_OK);
    free(l.text);
}

static void test_audit_verify__cut_at_every_byte(void **state)
{
    struct world *w = *state;
    struct lines l = make_log(w);
    size_t line = 0;
    for (size_t len = 0; len < l.len; len++) {
        bool border = len == 0 || l.text[len - 1] == '\n';
        struct audit_finding f =
            check(w, bytes_of(l.text, len), border ? FP_OK : FP_E_AUDIT_BROKEN);
        line += border && len != 0 ? 1 : 0;
        assert_int_equal(f.records, line);
        if (!border) {
            assert_int_equal(f.fault, AUDIT_CUT);
            assert_int_equal(f.seq, line + 1);
        }
    }
    free(l.text);
}

static void test_audit_verify__every_removed_line(void **state)
{
    struct world *w = *state;
    struct lines l = make_log(w);
    for (size_t gone = 0; gone + 1 < l.count; gone++) {
        struct buf b;
        struct audit_finding f;
        buf_init(&b, l.len);
        for (size_t i = 0; i < l.count; i++) {
            buf_append(&b, l.at[i], i == gone ? 0 : l.size[i]);
        }
        file_write(w, FIRST_FILE, b.ptr, b.len);
        f = verify(w, FP_E_AUDIT_BROKEN);
        assert_int_equal(f.fault, AUDIT_MISSING);
        assert_int_equal(f.seq, gone + 1);
        assert_string_equal(f.file, FIRST_FILE);
        buf_done(&b);
    }
    free(l.text);
}

static void test_audit_verify__every_pair_swapped(void **state)
{
    struct world *w = *state;
    struct lines l = make_log(w);
    for (size_t a = 0; a < l.count; a++) {
        for (size_t other = a + 1; other < l.count; other++) {
            struct buf b;
            struct audit_finding f;
            buf_init(&b, l.len);
            for (size_t i = 0; i < l.count; i++) {
                size_t from = i == a ? other : i == other ? a : i;
                buf_append(&b, l.at[from], l.size[from]);
            }
            file_write(w, FIRST_FILE, b.ptr, b.len);
            f = verify(w, FP_E_AUDIT_BROKEN);
            assert_int_equal(f.fault, AUDIT_REORDERED);
            assert_int_equal(f.seq, a + 1);
            buf_done(&b);
        }
    }
    free(l.text);
}

static void test_audit_verify__doubled_line(void **state)
{
    struct world *w = *state;
    struct lines l = make_log(w);
    struct buf b;
    buf_init(&b, 2 * l.len);
    for (size_t i = 0; i < l.count; i++) {
        buf_append(&b, l.at[i], l.size[i]);
        buf_append(&b, l.at[i], i == 3 ? l.size[i] : 0);
    }
    {
        struct audit_finding f = check(w, buf_bytes(&b), FP_E_AUDIT_BROKEN);
        assert_int_equal(f.fault, AUDIT_REORDERED);
        assert_int_equal(f.seq, 4);
    }
    buf_done(&b);
    free(l.text);
}

// Writes the log anew from a line on, with one word changed in it and all hashes made to fit; until
// keeps how many lines are made anew.
static void rewrite(const struct lines *l, size_t changed, size_t until, struct buf *out)
{
    uint8_t prev[AUDIT_HASH] = {0}, hash[AUDIT_HASH];
    char *at = NULL;
    for (size_t i = 0; i < l->count; i++) {
        struct audit_line line;
        char body[4096];
        size_t head = 0, len = 0;
        assert_int_equal(audit_line_parse(bytes_of(l->at[i], l->size[i] - 1), &line), FP_OK);
        head = (size_t)(strchr(l->at[i], ',') - l->at[i]) + 1;
        len = l->size[i] - 1 - 149 - head;
        memcpy(body, l->at[i] + head, len);
        body[len] = '\0';
        if (i == changed && (at = strstr(body, "192.0.2.1")) != NULL) {
            at[8] = '9';
        }
        if (i < changed || i >= until) {
            buf_append(out, l->at[i], l->size[i]);
            memcpy(prev, line.hash, sizeof prev);
        } else {
            assert_int_equal(audit_line_write(line.seq, bytes_of(body, len), prev, out, hash),
                             FP_OK);
            memcpy(prev, hash, sizeof prev);
        }
    }
}

static void test_audit_verify__hashes_made_anew(void **state)
{
    struct world *w = *state;
    struct lines l = make_log(w);
    struct audit_finding f;
    struct buf b;
    buf_init(&b, 2 * l.len);
    rewrite(&l, 2, 3, &b); // one line and its hash: the next stands on the old one
    f = check(w, buf_bytes(&b), FP_E_AUDIT_BROKEN);
    assert_int_equal(f.fault, AUDIT_CHANGED);
    assert_int_equal(f.seq, 3);
    buf_clear(&b);
    rewrite(&l, 2, l.count, &b); // all the rest: only the signature says no
    f = check(w, buf_bytes(&b), FP_E_AUDIT_BROKEN);
    assert_int_equal(f.fault, AUDIT_SIGNATURE);
    assert_int_equal(f.seq, 6);
    assert_int_equal(f.signed_seq, 0);
    buf_done(&b);
    free(l.text);
}

static void test_audit_verify__another_key(void **state)
{
    struct world *w = *state;
    struct lines l = make_log(w);
    struct audit_signer *other = NULL;
    struct audit_finding f;
    assert_int_equal(audit_signer_from_seed(BYTES("another seed another seed another"), &other),
                     FP_E_INPUT_INVALID);
    assert_int_equal(audit_signer_from_seed(BYTES("another seed another seed anothe"), &other),
                     FP_OK);
    assert_int_equal(audit_verify_bytes(bytes_of(l.text, l.len), audit_signer_public(other), &f),
                     FP_E_AUDIT_BROKEN);
    assert_int_equal(f.fault, AUDIT_SIGNATURE);
    assert_int_equal(f.seq, 6);
    assert_int_equal(audit_verify_bytes(bytes_of(l.text, l.len), NULL, &f), FP_OK);
    audit_signer_free(other);
    free(l.text);
}

static void test_audit_verify__files(void **state)
{
    struct world *w = *state;
    struct audit_finding f;
    char path[3000], names[64][AUDIT_SEGMENT_NAME];
    struct buf list;
    size_t count = 0;
    int dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY);
    w->options.segment_bytes = 3000;
    world_open(w);
    append(w, 60);
    world_close(w);
    f = verify(w, FP_OK);
    buf_init(&list, sizeof names);
    assert_int_equal(audit_segment_names(dir_fd, &list, &count), FP_OK);
    assert_true(count > 4 && count < 64);
    memcpy(names, list.ptr, list.len);
    buf_done(&list);
    (void)close(dir_fd);
    // each file stands by itself, too
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", w->dir, names[i]);
        assert_int_equal(audit_verify_file(path, audit_signer_public(w->signer), &f), FP_OK);
        assert_string_equal(f.file, names[i]);
        assert_int_equal(f.first_seq, audit_segment_first(names[i]));
    }
    // old files given up: the rest still holds
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, names[0]);
    assert_int_equal(unlink(path), 0);
    f = verify(w, FP_OK);
    assert_int_equal(f.first_seq, audit_segment_first(names[1]));
    // one out of the middle is missed
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, names[2]);
    assert_int_equal(unlink(path), 0);
    f = verify(w, FP_E_AUDIT_BROKEN);
    assert_int_equal(f.fault, AUDIT_MISSING);
    assert_int_equal(f.seq, audit_segment_first(names[2]));
    assert_string_equal(f.file, names[3]);
    assert_int_equal(audit_verify_dir("/tmp/fishplate-none", NULL, &f), FP_E_IO_FAILED);
    assert_int_equal(audit_verify_file("/tmp/fishplate-none", NULL, &f), FP_E_IO_FAILED);
}

static void test_audit_verify__no_records(void **state)
{
    struct world *w = *state;
    char *zeros = calloc(1, 100000);
    struct audit_finding f = check(w, BYTES(""), FP_OK);
    assert_int_equal(f.records, 0);
    f = check(w, BYTES("hello\n"), FP_E_AUDIT_BROKEN);
    assert_int_equal(f.fault, AUDIT_MALFORMED);
    f = check(w, bytes_of(zeros, 100000), FP_E_AUDIT_BROKEN);
    assert_int_equal(f.line, 1);
    memset(zeros, '\n', 100000);
    f = check(w, bytes_of(zeros, 100000), FP_E_AUDIT_BROKEN);
    assert_int_equal(f.fault, AUDIT_MALFORMED);
    free(zeros);
}

// The tree is that of RFC 6962: the values of its section 2.1.3 for these leaves are published by
// Certificate Transparency's own tests.
static void test_audit_verify__tree_of_rfc_6962(void **state)
{
    struct audit_tree tree = {0};
    uint8_t root[32], expected[32], leaf[32], other[32], joined[65] = {1};
    uint8_t hashed[33] = {0};
    (void)state;
    assert_int_equal(audit_tree_root(&tree, root), FP_OK);
    assert_int_equal(hex_decode(BYTES("e3b0c44298fc1c149afbf4c8996fb924"
                                      "27ae41e4649b934ca495991b7852b855"),
                                expected, 32),
                     FP_OK);
    assert_memory_equal(root, expected, 32);
    // three leaves: node(node(a, b), c)
    for (uint8_t i = 0; i < 3; i++) {
        memset(leaf, i, sizeof leaf);
        assert_int_equal(audit_tree_add(&tree, leaf), FP_OK);
        memcpy(hashed + 1, leaf, 32);
        assert_int_equal(digest_sha256(bytes_of(hashed, 33), other), FP_OK);
        if (i == 0) {
            memcpy(expected, other, 32);
        } else {
            memcpy(joined + 1, expected, 32);
            memcpy(joined + 33, other, 32);
            assert_int_equal(digest_sha256(bytes_of(joined, 65), expected), FP_OK);
        }
        assert_int_equal(audit_tree_root(&tree, root), FP_OK);
        assert_memory_equal(root, expected, 32);
    }
    assert_int_equal(tree.count, 3);
}

// A log that the first version wrote is good for ever.
static void test_audit_verify__version_1_log(void **state)
{
    struct world *w = *state;
    struct audit_finding f;
    char path[1024];
    const char *root = getenv("FISHPLATE_SOURCE_ROOT");
    (void)snprintf(path, sizeof path, "%s/tests/vectors/audit_v1.jsonl", root != NULL ? root : ".");
    if (audit_verify_file(path, audit_signer_public(w->signer), &f) != FP_OK) {
        fail_msg("%s: %s", path, f.text);
    }
    assert_int_equal(f.records, 11);
    assert_int_equal(f.signed_seq, 10);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_audit_verify__##name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_changed_byte), CASE(cut_at_every_byte),
        CASE(every_removed_line), CASE(every_pair_swapped),
        CASE(doubled_line),       CASE(hashes_made_anew),
        CASE(another_key),        CASE(files),
        CASE(no_records),         CASE(tree_of_rfc_6962),
        CASE(version_1_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
