// What an evidence pack says to people: how to check it, and which file answers which criterion.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_EVIDENCE_TEXTS_H
#define FP_CLI_EVIDENCE_TEXTS_H

extern const char evidence_readme[];
extern const char evidence_mapping[];

#endif
