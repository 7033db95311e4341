/* SPDX-License-Identifier: Apache-2.0
 *
 * A child's first publish claims a lane of its own and changes no byte of its parent's, whether it came by fork, by a raw clone or by vfork and
 * exec; child and parent go on with their own numbers. */
#include <sched.h>
#include <sys/syscall.h>

#include "service.h"

static struct mpl_producer p;
static uint32_t segment, lane; /* the parent's */

static int in_child(uint64_t number)
{
    CHECK_EQ(send_event(&p, number, 1, 100), MPL_ACCEPTED);
    CHECK(p.segment != segment || p.lane_number != lane);
    CHECK_EQ(p.seq, 1);
    CHECK_EQ(send_event(&p, number, 2, 100), MPL_ACCEPTED);
    CHECK_EQ(p.accepted, 2);
    mpl_detach(&p, true);
    return 0;
}

static pid_t child_by(int way, const char *dir)
{
    if (way == 0) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(in_child(10));
        return pid;
    }
    if (way == 1) {
        pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0)
            _exit(in_child(11));
        return pid;
    }
    char *argv[] = {check_argv[0], "child", (char *)dir, NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        execv("/proc/self/exe", argv);
        _exit(9);
    }
    return pid;
}

static int as_program(const char *dir)
{
    struct mpl_producer own;
    producer_make(&own, dir, "exec");
    CHECK_EQ(send_event(&own, 12, 1, 100), MPL_ACCEPTED);
    CHECK_EQ(send_event(&own, 12, 2, 100), MPL_ACCEPTED);
    mpl_detach(&own, true);
    return 0;
}

struct seen {
    uint64_t next[16], ends, bad;
};

static void look(const struct line *l, void *arg)
{
    struct seen *s = arg;
    if (l->kind == 'S')
        s->ends++;
    else
        s->bad += l->torn || l->producer > 15 || l->seq != l->n || (l->n != ++s->next[l->producer] && l->producer == 1);
}

static int test(const char *dir)
{
    static struct writer w;
    static struct mpl_lane control;
    static char data[MPL_LANE_SMALL];
    struct seen s = {0};
    if (check_argc == 3)
        return as_program(check_argv[2]);
    service_make(dir);
    lanes_of(dir, MPL_LANE_SMALL, MPL_ORIGIN);
    producer_make(&p, dir, "parent");
    segment = p.segment;
    lane = p.lane_number;
    for (uint64_t n = 1; n <= 9; n++) {
        CHECK_EQ(send_event(&p, 1, n, 200), MPL_ACCEPTED);
        memcpy(&control, p.lane, sizeof control);
        memcpy(data, p.data, sizeof data);
        CHECK_EQ(reap(child_by((int)n % 3, dir)), 0);
        CHECK_EQ(memcmp(&control, p.lane, sizeof control), 0);
        CHECK_EQ(memcmp(data, p.data, sizeof data), 0);
    }
    mpl_detach(&p, true);
    CHECK_EQ(writer_open(&w, dir), 0);
    writer_all(&w);
    each_line(w.file, look, &s);
    CHECK_EQ(s.bad, 0);
    CHECK_EQ(s.next[1], 9);
    for (int i = 10; i < 13; i++)
        CHECK_EQ(s.next[i], 3 * 2);
    CHECK_EQ(s.ends, 10);
    writer_close(&w);
    return 0;
}
