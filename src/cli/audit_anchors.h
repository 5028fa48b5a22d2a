// Anchors: checkpoints of an audit log that were kept elsewhere. What they sign must still be
// there. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_AUDIT_ANCHORS_H
#define FP_CLI_AUDIT_ANCHORS_H

#include "audit/audit_verify.h"
#include "base/note.h"

// path: lines that each end with a checkpoint's line, as audit.anchor_file gets them, or a system
// log with its own words in front; other lines are passed over. log: the folder or file that was
// found intact. Changes *finding to the first anchor that the log contradicts: AUDIT_CUT where it
// ends before, AUDIT_CHANGED where another record stands in its place, and returns
// FP_E_AUDIT_BROKEN then. FP_E_INPUT_INVALID with a note where the file holds no anchor of this
// key; FP_E_IO_FAILED. *count_out: anchors that held.
enum fp_error audit_anchors_check(const char *path, const char *log, const uint8_t *public_key,
                                  struct audit_finding *finding, uint64_t *count_out,
                                  struct fp_note *note);

#endif
