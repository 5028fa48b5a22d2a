// Records of the audit log in the words of the Open Cybersecurity Schema Framework, version 1.3:
// what log collectors and SIEMs read without being taught.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_AUDIT_OCSF_H
#define FP_CLI_AUDIT_OCSF_H

#include "base/buf.h"
#include "base/bytes.h"

#include <yyjson.h>

// Appends one event without an end of line. record: the line as JSON; text: the line itself, kept
// whole in raw_data so that its hash can be checked. FP_E_INPUT_INVALID for what is no record.
enum fp_error audit_ocsf_write(yyjson_val *record, struct bytes text, struct buf *out);

#endif
