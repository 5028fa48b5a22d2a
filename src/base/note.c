// Filling in notes.
// SPDX-License-Identifier: Apache-2.0
#include "base/note.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Takes away a UTF-8 sequence that was cut in two at the end.
static void note_mend_end(char *text)
{
    size_t len = strlen(text), back = 0;
    while (back < len && back < 4 && ((unsigned char)text[len - 1 - back] & 0xc0) == 0x80) {
        back++;
    }
    if (back < len) {
        unsigned char lead = (unsigned char)text[len - 1 - back];
        size_t need = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
        if (need != back) {
            text[len - 1 - back] = '\0';
        }
    }
}

void fp_note_set(struct fp_note *note, const char *field, const char *format, ...)
{
    va_list args;
    if (note == NULL) {
        return;
    }
    snprintf(note->field, sizeof note->field, "%s", field != NULL ? field : "");
    va_start(args, format);
    if (vsnprintf(note->text, sizeof note->text, format, args) >= (int)sizeof note->text) {
        note_mend_end(note->text);
    }
    va_end(args);
}
