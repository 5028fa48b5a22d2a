// Shared by the files of this folder only: the two layers that the kernel may or may not have.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_SANDBOX_SANDBOX_INT_H
#define FP_SANDBOX_SANDBOX_INT_H

#include "sandbox/sandbox.h"

// Built with AddressSanitizer: its run time makes calls of its own.
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

// Restricts the file system and, where the kernel can, TCP. FP_OK with abi 0 in the report where
// the kernel has no Landlock; an error only where it has it and it failed.
enum fp_error sandbox__landlock(const struct sandbox_request *request,
                                struct sandbox_report *report, struct fp_note *note);
// Loads the list of calls of the policy. FP_OK with seccomp false where the kernel has no filters.
enum fp_error sandbox__seccomp(const struct sandbox_request *request, struct sandbox_report *report,
                               struct fp_note *note);

#endif
