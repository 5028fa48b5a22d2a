// Erasing a customer: its connections end, its data keys are destroyed, and a signed certificate
// says so. One job in slices; stopped at any moment, it goes on when it is asked for again.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_ERASE_H
#define FP_REGISTRY_ERASE_H

#include "registry/registry.h"

// The store's setting that keeps a customer's certificate: this and the customer's id.
#define ERASE_SETTING "erasure."

// {"data":{"customer","application","erased_at","certificate":{"statement","signature","key"}}}.
// One that is erased already answers with the certificate of then. FP_E_CUSTOMER_NOT_FOUND;
// FP_E_CUSTOMER_ERASED while the same is under way; FP_E_STORE_UNAVAILABLE also where all is
// destroyed but old contents are still in the store's log: ask again.
void registry_customer_erase(struct registry *registry, const struct registry_caller *caller,
                             struct bytes customer, registry_done *done, void *ctx);

#endif
