// Customers, for operators: whose data lies here, and under which keys.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CUSTOMERS_H
#define FP_REGISTRY_CUSTOMERS_H

#include "registry/registry.h"

struct customer_list {
    struct bytes application; // whose; empty: all
    struct bytes after;       // rows behind this id
};
// {"data":[{id, application, name, email, connections, created_at, erased_at}], "next": id or
// null}, at most STORE_LIST rows. name and email are null once it is erased.
void registry_customer_list(struct registry *registry, const struct registry_caller *caller,
                            const struct customer_list *list, registry_done *done, void *ctx);
// {"data": the same with "keys":[{version, state, key_id, created_at}] and "certificate", null
// unless it is erased}. FP_E_CUSTOMER_NOT_FOUND.
void registry_customer_show(struct registry *registry, const struct registry_caller *caller,
                            struct bytes customer, registry_done *done, void *ctx);

#endif
