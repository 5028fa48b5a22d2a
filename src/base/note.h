// Details of a failure for people: which field, where, what to do. Belongs to the caller; holds no
// secret, ever.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_NOTE_H
#define FP_BASE_NOTE_H

struct fp_note {
    char field[96];  // "filter[foo]", "credentials.password", "/entities/Vendor"; may be empty
    char text[320];  // one sentence: what is wrong
    unsigned line;   // in a file, 1-based; 0: none
    unsigned column; // 1-based; 0: none
};

// Fills a note (NULL is taken and ignored); longer texts are cut at a UTF-8 border.
void fp_note_set(struct fp_note *note, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
