// Entity tags in If-Match and If-None-Match (RFC 9110 8.8.3, 13.1).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_ETAG_H
#define FP_MODEL_ETAG_H

#include "base/bytes.h"

// Whether the list of a header names the tag: `*`, or tags with commas between. strong: as If-Match
// compares, where a weak tag never fits; otherwise the W/ is not looked at. A list that is
// malformed names nothing beyond the place where it is.
bool model_etag_listed(struct bytes list, struct bytes tag, bool strong);

#endif
