// Unix sockets by path, of any length: the control socket lies in the data directory, whose path
// may be longer than the 107 bytes a socket address holds. SPDX-License-Identifier: Apache-2.0
#ifndef FP_LINK_LOCAL_SOCKET_H
#define FP_LINK_LOCAL_SOCKET_H

#include "base/error.h"

#include <stdbool.h>

#include <sys/types.h>

// A listening stream socket with the given mode; a stale one of that name is replaced. FP_E_EXISTS:
// somebody listens there; FP_E_IO_FAILED (errno says more).
enum fp_error local_socket_listen(const char *path, mode_t mode, int *fd_out);
// FP_E_NOT_RUNNING: nobody listens there; FP_E_PERMISSION_DENIED; FP_E_IO_FAILED.
enum fp_error local_socket_connect(const char *path, int *fd_out);

#endif
