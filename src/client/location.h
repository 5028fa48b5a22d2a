// Where a Location header leads. RFC 3986 section 5.2, without removing dots: what the source wrote
// is what is asked for. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_LOCATION_H
#define FP_CLIENT_LOCATION_H

#include "base/buf.h"

// Appends the absolute URL without a fragment; base is absolute and was checked. What it says is
// still to be checked. FP_E_LIMIT_EXCEEDED, FP_E_NO_MEMORY.
enum fp_error client_location_resolve(struct bytes base, struct bytes location, struct buf *out);

#endif
