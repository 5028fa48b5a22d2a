// The data directory belongs to one process at a time: the server, or a command while the server is
// down. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONFIG_DATA_DIR_H
#define FP_CONFIG_DATA_DIR_H

#include "config/config.h"

#define CONFIG_CONTROL_PATH (CONFIG_PATH + 16) // data directory and "/control.sock"

// Locks it until fd_out is closed. FP_E_EXISTS: a server or command has it; FP_E_STORE_NOT_FOUND:
// there is no such directory; FP_E_PERMISSION_DENIED. All with a note.
enum fp_error config_lock_data_dir(const struct config *config, int *fd_out, struct fp_note *note);
// For a process that gets the data directory as its root: makes the paths of the store and the
// audit log count from it. false, and nothing is changed, where one of them lies elsewhere.
bool config_rebase_data_dir(struct config *config);
// Where the server answers commands.
void config_control_path(const struct config *config, char out[static CONFIG_CONTROL_PATH]);

#endif
