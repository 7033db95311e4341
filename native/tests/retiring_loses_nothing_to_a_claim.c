/* SPDX-License-Identifier: Apache-2.0
 *
 * A writer that takes the service down whenever it is alone, against processes that come, log and go all the time: every event that was accepted comes
 * out of one of the services that follow each other. */
#include "service.h"

#define PROCESSES 4
#define ROUNDS 250u      /* and more of them, until the service was taken down so often */
#define RETIREMENTS 6u

struct shared {
    uint64_t accepted[PROCESSES];
    mpl_a32 done;
    mpl_a64 retired;
};
static struct shared *s;
static const char *place;

/* As configure() does: the bell is made by whoever finds none. */
static void attach(struct mpl_producer *p)
{
    for (int attempt = 0; mpl_attach(p); attempt++) {
        CHECK(attempt < 1000);
        struct mpl_bell *bell;
        bool created;
        if (mpl_bell_open(place, SERVICE, CONF, strlen(CONF), &bell, &created) == 0)
            mpl_bell_close(bell);
    }
}

static int produce(void *arg)
{
    uint64_t id = (uint64_t)(uintptr_t)arg, n = 0, random = id + 77;
    struct mpl_producer p;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "comes and goes"), 0);
    for (unsigned round = 0; round < ROUNDS || (mpl_load(&s->retired) < RETIREMENTS && round < 20 * ROUNDS); round++) {
        attach(&p);
        for (uint64_t i = next_random(&random) % 4; i < 4; i++) {
            CHECK_EQ(send_event(&p, id, ++n, 64), MPL_ACCEPTED);
            s->accepted[id]++;
        }
        mpl_detach(&p, false);
        pause_ns(next_random(&random) % 2000000);
    }
    mpl_add(&s->done, 1);
    return 0;
}

static int write_and_retire(void *arg)
{
    static struct writer w;
    (void)arg;
    for (;;) {
        bool last = mpl_load_acquire(&s->done) == PROCESSES;
        int rc = writer_open(&w, place);
        if (rc == -ENOENT) { /* no service at all */
            if (last)
                return 0;
            pause_ns(100000);
            continue;
        }
        CHECK_EQ(rc, 0);
        while (mpl_retire(&w.r, &w.j) == 0)
            writer_all(&w);
        mpl_add(&s->retired, 1);
        writer_close(&w);
    }
}

struct seen {
    uint64_t next[PROCESSES], bad;
};

static void look(const struct line *l, void *arg)
{
    struct seen *x = arg;
    if (l->kind == 'E')
        x->bad += l->torn || l->producer >= PROCESSES || l->n != ++x->next[l->producer];
    else
        x->bad += l->dropped || !l->clean;
}

static int test(const char *dir)
{
    pid_t pids[PROCESSES];
    struct seen x = {0};
    char file[MPL_PATH];
    place = dir;
    s = shared_memory(sizeof *s);
    pid_t writer = spawn(write_and_retire, NULL);
    for (uintptr_t i = 0; i < PROCESSES; i++)
        pids[i] = spawn(produce, (void *)i);
    for (int i = 0; i < PROCESSES; i++)
        CHECK_EQ(reap(pids[i]), 0);
    CHECK_EQ(reap(writer), 0);
    snprintf(file, sizeof file, "%s/out", dir);
    each_line(file, look, &x);
    printf("retired %llu times\n", (unsigned long long)mpl_load(&s->retired));
    for (int i = 0; i < PROCESSES; i++)
        CHECK_EQ(x.next[i], s->accepted[i]);
    CHECK_EQ(x.bad, 0);
    CHECK(mpl_load(&s->retired) >= RETIREMENTS);
    return 0;
}
