// Who asks at an OAuth endpoint: an application, by its client secret (RFC 6749 2.3.1).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CLIENT_H
#define FP_REGISTRY_CLIENT_H

#include "registry/owner.h"

// The application, proven, with its environment; from here on it is the job's caller.
// FP_E_CLIENT_INVALID, whatever was wrong: a refusal is recorded.
enum fp_error client_authenticate(struct registry_job *job, struct bytes client_id,
                                  struct bytes client_secret, struct owner *out);

#endif
