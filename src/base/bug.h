// A broken invariant of our own: never continue on one, never use it for input.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_BUG_H
#define FP_BASE_BUG_H

// Prints file, line and text on standard error and aborts the room; the supervisor starts it anew.
_Noreturn void fp_bug_at(const char *file, int line, const char *text);
#define fp_bug(text) fp_bug_at(__FILE__, __LINE__, (text))

#endif
