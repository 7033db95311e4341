/* SPDX-License-Identifier: Apache-2.0 */
#include "hand.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "sink.h"

struct mpl_hand {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t given, done;
    bool busy, begun, given_up, leave; /* under the lock */
    struct mpl_writing job;
    int rc;
    char *bytes;
    size_t room;
    char path[];
};

/* Whether the path still names the file that is open; what cannot be looked at does not. */
static bool in_place(const struct mpl_hand *h)
{
    struct stat there, open;
    return !*h->path || (!lstat(h->path, &there) && !fstat(h->job.fd, &open) && there.st_dev == open.st_dev && there.st_ino == open.st_ino);
}

static void *work(void *arg)
{
    struct mpl_hand *h = arg;
    pthread_mutex_lock(&h->lock);
    for (;;) {
        while (!h->busy && !h->leave)
            pthread_cond_wait(&h->given, &h->lock);
        if (h->leave)
            break;
        h->begun = true;
        pthread_mutex_unlock(&h->lock);
        int rc = in_place(h) ? mpl_sink_write(&h->job) : -ESTALE;
        pthread_mutex_lock(&h->lock);
        h->rc = rc;
        h->busy = h->begun = h->given_up = false;
        pthread_cond_signal(&h->done);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

struct mpl_hand *mpl_hand_new(const char *path)
{
    struct mpl_hand *h = calloc(1, sizeof *h + strlen(path) + 1);
    pthread_condattr_t attributes;
    sigset_t all, before;
    if (!h)
        return NULL;
    strcpy(h->path, path);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->given, NULL);
    pthread_cond_init(&h->done, &attributes);
    pthread_condattr_destroy(&attributes);
    sigfillset(&all); /* signals are for the writer's own thread */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(&h->thread, NULL, work, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc)
        return h;
    free(h);
    return NULL;
}

void mpl_hand_free(struct mpl_hand *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    const bool hangs = h->busy;
    h->leave = true;
    pthread_cond_signal(&h->given);
    pthread_mutex_unlock(&h->lock);
    if (hangs)
        return;
    pthread_join(h->thread, NULL);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->given);
    pthread_cond_destroy(&h->done);
    free(h->bytes);
    free(h);
}

bool mpl_hand_busy(struct mpl_hand *h)
{
    pthread_mutex_lock(&h->lock);
    const bool busy = h->busy;
    pthread_mutex_unlock(&h->lock);
    return busy;
}

void mpl_hand_lend(struct mpl_hand *h, struct mpl_write *w, const char *staged, int fd)
{
    pthread_mutex_lock(&h->lock);
    h->job = mpl_writing_of(w, staged, fd);
    h->job.hand = h;
    h->busy = true;
    pthread_cond_signal(&h->given);
    pthread_mutex_unlock(&h->lock);
}

bool mpl_hand_join(struct mpl_hand *h, int *rc)
{
    pthread_mutex_lock(&h->lock);
    const bool back = h->busy && !h->begun; /* no processor has been free for it: this one is */
    while (h->busy && !back)
        pthread_cond_wait(&h->done, &h->lock);
    h->busy = false;
    *rc = h->rc;
    pthread_mutex_unlock(&h->lock);
    return !back;
}

int mpl_hand_give(struct mpl_hand *h, struct mpl_write *w, const char *staged, int fd)
{
    const size_t length = mpl_write_bytes(w);
    if (length > h->room || !h->bytes) { /* damage alone has an entry without bytes, which still lie somewhere */
        char *more = realloc(h->bytes, length + 1);
        if (!more)
            return -ENOMEM;
        h->bytes = more, h->room = length;
    }
    memcpy(h->bytes, staged, length);
    mpl_hand_lend(h, w, h->bytes, fd);
    return 0;
}

int mpl_hand_wait(struct mpl_hand *h, uint64_t deadline_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000u), .tv_nsec = (long)(deadline_ns % 1000000000u)};
    int rc = 0;
    pthread_mutex_lock(&h->lock);
    while (h->busy && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&h->done, &h->lock, &until);
    h->given_up = h->busy;
    rc = h->busy ? -ETIMEDOUT : h->rc;
    pthread_mutex_unlock(&h->lock);
    return rc;
}

bool mpl_hand_holds(struct mpl_hand *h)
{
    if (!h)
        return true;
    pthread_mutex_lock(&h->lock);
    if (!h->given_up)
        return true;
    pthread_mutex_unlock(&h->lock);
    return false;
}

void mpl_hand_leaves(struct mpl_hand *h)
{
    if (h)
        pthread_mutex_unlock(&h->lock);
}

bool mpl_hand_given_up(struct mpl_hand *h)
{
    if (!mpl_hand_holds(h))
        return true;
    mpl_hand_leaves(h);
    return false;
}
