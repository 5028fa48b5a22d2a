// The worker: a locked queue each way, a condition for the thread, an eventfd for the loop.
// SPDX-License-Identifier: Apache-2.0
#include "base/worker.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct work_list {
    struct work *first; // NULL: empty
    struct work *last;  // undefined when empty
};

struct worker {
    struct worker_ops ops;     // copied
    void *ctx;                 // the owner's
    pthread_t thread;          // runs run()
    pthread_mutex_t lock;      // over everything below
    pthread_cond_t work_cond;  // something to do, or the end
    pthread_cond_t done_cond;  // something was done
    struct work_list todo;     // handed over
    struct work_list finished; // done, its done() not yet called
    size_t count;              // pieces in todo, in run() and in finished
    bool ending;               // no more work comes
    int event_fd;              // counts finished groups
};

static void list_push(struct work_list *list, struct work *work)
{
    work->next = NULL;
    if (list->first == NULL) {
        list->first = work;
    } else {
        list->last->next = work;
    }
    list->last = work;
}

// Cuts at most max pieces off the front.
static struct work *list_take(struct work_list *list, size_t max)
{
    struct work *first = list->first, *last = first;
    if (first != NULL) {
        for (size_t n = 1; n < max && last->next != NULL; n++) {
            last = last->next;
        }
        list->first = last->next;
        last->next = NULL;
    }
    return first;
}

// With the lock held: waits for work. False when idle_ms passed without any.
static bool worker_await(struct worker *w)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += w->ops.idle_ms / 1000;
    until.tv_nsec += (long)(w->ops.idle_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (w->todo.first == NULL && !w->ending) {
        if (w->ops.idle_ms == 0) {
            (void)pthread_cond_wait(&w->work_cond, &w->lock);
        } else if (pthread_cond_timedwait(&w->work_cond, &w->lock, &until) == ETIMEDOUT) {
            return w->todo.first != NULL || w->ending;
        }
    }
    return true;
}

static void worker_signal(struct worker *w)
{
    uint64_t one = 1;
    // fails only when the counter is full: then the loop is woken anyway
    ssize_t n = write(w->event_fd, &one, sizeof one);
    (void)n;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        bool due = worker_await(w);
        struct work *group = list_take(&w->todo, w->ops.group_max);
        if (group == NULL && due) {
            break; // ending
        }
        (void)pthread_mutex_unlock(&w->lock);
        w->ops.run(w->ctx, group);
        (void)pthread_mutex_lock(&w->lock);
        while (group != NULL) {
            struct work *next = group->next;
            list_push(&w->finished, group);
            group = next;
        }
        if (w->finished.first != NULL) {
            worker_signal(w);
            (void)pthread_cond_broadcast(&w->done_cond);
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static bool worker_start(struct worker *w)
{
    sigset_t all, before;
    int failed = 0;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&w->thread, NULL, worker_main, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

enum fp_error worker_create(const struct worker_ops *ops, void *ctx, struct worker **out)
{
    struct worker *w = mem_alloc(1, sizeof *w);
    pthread_condattr_t attr;
    if (w == NULL) {
        return FP_E_NO_MEMORY;
    }
    w->ops = *ops;
    w->ctx = ctx;
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->work_cond, &attr);
    (void)pthread_cond_init(&w->done_cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (w->event_fd < 0 || !worker_start(w)) {
        if (w->event_fd >= 0) {
            (void)close(w->event_fd);
        }
        mem_free(w);
        return FP_E_IO_FAILED;
    }
    *out = w;
    return FP_OK;
}

void worker_free(struct worker *w)
{
    if (w == NULL) {
        return;
    }
    worker_wait(w);
    (void)pthread_mutex_lock(&w->lock);
    w->ending = true;
    (void)pthread_cond_signal(&w->work_cond);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->work_cond);
    (void)pthread_cond_destroy(&w->done_cond);
    (void)close(w->event_fd);
    mem_free(w);
}

enum fp_error worker_submit(struct worker *w, struct work *work)
{
    enum fp_error error = FP_OK;
    (void)pthread_mutex_lock(&w->lock);
    if (w->count >= w->ops.queue_max) {
        error = FP_E_LIMIT_EXCEEDED;
    } else {
        list_push(&w->todo, work);
        w->count++;
        (void)pthread_cond_signal(&w->work_cond);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return error;
}

int worker_event_fd(const struct worker *w)
{
    return w->event_fd;
}

// One by one, so that a done() may submit more work or wait; new results are left for the next
// call.
static size_t worker_run_done(struct worker *w, size_t max)
{
    size_t n = 0;
    for (; n < max; n++) {
        struct work *work = NULL;
        (void)pthread_mutex_lock(&w->lock);
        work = list_take(&w->finished, 1);
        w->count -= work != NULL ? 1 : 0;
        (void)pthread_mutex_unlock(&w->lock);
        if (work == NULL) {
            break;
        }
        w->ops.done(w->ctx, work);
    }
    return n;
}

void worker_dispatch(struct worker *w)
{
    uint64_t value = 0;
    bool more = false;
    ssize_t n = read(w->event_fd, &value, sizeof value);
    (void)n;
    (void)worker_run_done(w, w->ops.queue_max);
    (void)pthread_mutex_lock(&w->lock);
    more = w->finished.first != NULL;
    (void)pthread_mutex_unlock(&w->lock);
    if (more) {
        worker_signal(w);
    }
}

void worker_wait(struct worker *w)
{
    bool waiting = true;
    while (waiting) {
        (void)pthread_mutex_lock(&w->lock);
        while (w->count != 0 && w->finished.first == NULL) {
            (void)pthread_cond_wait(&w->done_cond, &w->lock);
        }
        waiting = w->count != 0;
        (void)pthread_mutex_unlock(&w->lock);
        worker_dispatch(w);
    }
}

size_t worker_waiting(struct worker *w)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&w->lock);
    count = w->count;
    (void)pthread_mutex_unlock(&w->lock);
    return count;
}
