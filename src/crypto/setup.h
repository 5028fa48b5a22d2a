// Getting OpenSSL ready before anything foreign is read: its objects fetched once, its start-up
// allocations over, the random generator proven to work. OpenSSL 3.0 crashes when it runs out of
// memory during start-up, so this comes first. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_SETUP_H
#define FP_CRYPTO_SETUP_H

#include "base/error.h"

// Once per process, before the sandbox closes; a second call does nothing. Also makes the arena of
// secrets (secret.h) and runs a known-answer test of every primitive. FP_E_CRYPTO_FAILED,
// FP_E_NO_MEMORY.
enum fp_error crypto_setup(void);
// At the end, for leak checkers: releases what crypto_setup() made. Nothing of crypto/ may be
// called afterwards, except crypto_setup().
void crypto_shutdown(void);

#endif
