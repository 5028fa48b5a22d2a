// Shared by the files of this folder only.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_SUPERVISOR_SUPERVISOR_INT_H
#define FP_SUPERVISOR_SUPERVISOR_INT_H

#include "supervisor/supervisor.h"

#include "base/note.h"
#include "link/channel.h"
#include "room/room.h"

#include <sys/types.h>

// ---- what is handed over: opened once, kept for rooms that are started again

#define OPENED_MAX  20
#define OPENED_NAME 65

struct opened {
    enum room_handover kind; // listener or file
    char name[OPENED_NAME];  // "api.0", "tls.key"
    enum link_room owner;    // the room that gets it
    int fd;                  // owned
    const char *path;        // of a file, to open it anew; in the config
    unsigned forbidden;      // mode bits that a file may not have
    bool optional;           // a file that need not be there: fd is -1 then
    bool append;             // a file that is written to, made where it is not there
};

struct openings {
    struct opened items[OPENED_MAX]; // in the order in which they are handed over
    size_t count;                    // in use
    char control[CONFIG_PATH + 16];  // path of the control socket, to remove at the end; or ""
    const char *local[CONFIG_LISTENERS * 2 + 2]; // paths of other Unix sockets, to remove
    size_t local_count;                          // entries of local
    char next_key[CONFIG_PATH + 8]; // where the successor of the master key lies, if any
};

// Listens and opens all that the configuration names. Errors with a note.
enum fp_error openings_make(struct openings *openings, const struct config *config,
                            struct fp_note *note);
// Opens the files of one room anew; on an error all of them stay as they were.
enum fp_error openings_renew(struct openings *openings, enum link_room owner, struct fp_note *note);
void openings_close_listeners(struct openings *openings);
void openings_close(struct openings *openings);
// A sealed memory file with the configuration. FP_E_IO_FAILED.
enum fp_error openings_config(const struct config *config, int *fd_out);

// ---- a room's process

enum supervised_state {
    SUPERVISED_DOWN,     // no process; a timer may start one
    SUPERVISED_STARTING, // process runs, not ready yet
    SUPERVISED_READY,    // serves
    SUPERVISED_DRAINING, // was told to end
    SUPERVISED_OVER      // ended as told
};

struct supervisor;

// The channel's place in the loop; freed by its close callback.
struct supervised_watch {
    uv_poll_t poll;         // of the channel
    struct supervised *one; // whose
    int fd;                 // owned
};

struct supervised {
    struct supervisor *supervisor;  // back
    enum link_room name;            // which room
    enum supervised_state state;    // see above
    pid_t pid;                      // 0: none
    struct supervised_watch *watch; // NULL: no channel
    uv_timer_t timer;               // to start it again, or to stop waiting for READY
    unsigned starts;                // processes so far
    unsigned crashes;               // in a row, each too soon after it was ready
    uint64_t started_ns;            // monotonic
    uint64_t ready_ns;              // monotonic; 0: not ready
    char protections[1025];         // JSON of READY; "" before
};

#define SUPERVISED_MAX 5

struct supervisor {
    const struct config *config;             // not owned
    struct openings openings;                // descriptors to hand over
    int config_fd;                           // sealed configuration
    int executable;                          // ourselves, O_PATH
    int lock;                                // of the data directory
    uv_loop_t loop;                          // the one loop
    uv_signal_t signals[4];                  // CHLD, TERM, INT, HUP
    uv_timer_t end_timer;                    // end of the time for draining
    struct supervised rooms[SUPERVISED_MAX]; // in the order of start
    size_t room_count;                       // in use
    uint64_t started_ns;                     // monotonic, of the whole server
    uint64_t stop_ns;                        // monotonic: when draining began
    uint64_t end_ns;                         // monotonic: when draining must be over
    bool serving;                            // all rooms were ready once
    bool stopping;                           // no room is started again
    int status;                              // exit status
};

// Starts this executable as a room with the channel as its only descriptor. FP_E_IO_FAILED.
enum fp_error spawn_room(int executable, enum link_room name, int channel, pid_t *pid_out);

// Forks the room and hands over all but START and its links. An error ends the server's start.
enum fp_error supervised_start(struct supervised *one);
// Makes new links between a started room and every other one that has a process.
enum fp_error supervised_connect(struct supervised *one);
// Everything is there: the room begins.
enum fp_error supervised_begin(struct supervised *one);
// Files that were opened anew.
void supervised_reload(struct supervised *one);
void supervised_drain(struct supervised *one, unsigned within_ms);
void supervised_kill(struct supervised *one);
// Its process is gone.
void supervised_gone(struct supervised *one, int wait_status);
// Tells every room what there is.
void supervised_tell_rooms(struct supervisor *supervisor);
// How long to wait before it is started again.
unsigned supervised_penalty_ms(unsigned crashes);

// Called by the rooms' code when one became ready, and when one ended.
void supervisor_on_ready(struct supervised *one);

// Tells a service manager (sd_notify protocol) where there is one: "READY=1".
void notify_manager(const char *state);

#endif
