/* SPDX-License-Identifier: Apache-2.0
 *
 * A writer killed before and after every system call of mpl_retire: the next process that comes can claim at once and log, and the next writer brings its
 * events out, whichever of the two is first. Where the bell is gone, so is all else: nobody may come to take it away. */
#include <dirent.h>

#include "service.h"
#include "trace.h"

static const char *place;
static int after_the_bell;

static int retire(void *arg)
{
    static struct writer w;
    (void)arg;
    CHECK_EQ(writer_open(&w, place), 0);
    writer_all(&w);
    trace_marker();
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    trace_end();
    return 0;
}

static void come(struct mpl_producer *p)
{
    int rc = mpl_attach(p);
    if (rc == -ENOENT) { /* the bell is gone: configure() makes the next */
        service_make(place);
        rc = mpl_attach(p);
    }
    CHECK_EQ(rc, 0);
    CHECK_EQ(send_event(p, 5, 1, 64), MPL_ACCEPTED);
}

static void make(const char *suffix)
{
    char path[MPL_PATH];
    CHECK_EQ(mpl_path(path, place, SERVICE, suffix), 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    close(fd);
}

/* The files of the service, without the log. */
static int files_left(void)
{
    int n = 0;
    DIR *dir = opendir(place);
    CHECK(dir != NULL);
    for (const struct dirent *entry; (entry = readdir(dir));)
        n += strncmp(entry->d_name, SERVICE ".", sizeof SERVICE) == 0;
    closedir(dir);
    return n;
}

static bool bell_there(void)
{
    char path[MPL_PATH];
    CHECK_EQ(mpl_path(path, place, SERVICE, "bell"), 0);
    return access(path, F_OK) == 0;
}

static bool one_kill(int k, bool writer_first)
{
    static struct writer w;
    struct mpl_producer p, before;
    bool finished = false;
    service_make(place);
    producer_make(&before, place, "before");
    CHECK_EQ(send_event(&before, 4, 1, 64), MPL_ACCEPTED);
    mpl_producer_free(&before);
    make("stderr"); /* who starts a writer makes the one, the writer the other */
    make("sinks");
    pid_t pid = spawn(retire, NULL);
    trace_start(pid);
    for (int i = 0; i < k && !finished; i++)
        finished = !trace_step(pid, PTRACE_SYSCALL);
    trace_kill(pid);
    if (!bell_there()) {
        CHECK_EQ(files_left(), 0);
        after_the_bell++;
    }
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "after"), 0);
    int rc = writer_first ? writer_open(&w, place) : -ENOENT;
    come(&p);
    if (rc == -ENOENT)
        rc = writer_open(&w, place);
    CHECK_EQ(rc, 0);
    mpl_producer_free(&p);
    writer_all(&w);
    struct tally t = tally_file(w.file);
    CHECK_EQ(t.events, 2);
    CHECK_EQ(t.ends, 2);
    CHECK_EQ(mpl_retire(&w.r, &w.j), 1);
    writer_close(&w);
    CHECK_EQ(unlink(w.file), 0);
    return finished;
}

static int test(const char *dir)
{
    int k;
    place = dir;
    for (k = 0; !one_kill(k, false); k++) {
    }
    printf("%d stops, %d of them without a bell\n", k, after_the_bell);
    CHECK(k > 40 && after_the_bell > 1);
    for (k = 0; !one_kill(k, true); k++) {
    }
    return 0;
}
