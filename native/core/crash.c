/* SPDX-License-Identifier: Apache-2.0
 *
 * A crash leaves its traceback for the writer. Python's faulthandler writes it, to a descriptor; this gives it one only when it is needed.
 *
 * faulthandler is told a number under which nothing is open, and its handlers get one of ours put over them. In a crash ours opens the file of the
 * session (open, fcntl and sigaction are async-signal-safe), gives it that number, and goes on to faulthandler's, which writes, puts back what
 * was there before it, and raises the signal again. So no descriptor is held that a daemon could close, and where the program itself has come to use the
 * number, nothing is written: a traceback never gets into a file or a socket of the program's. */
#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"

static const int fatal[] = {SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL};
#define FATAL (sizeof fatal / sizeof *fatal)

static struct sigaction before[FATAL], inner[FATAL]; /* what was there before faulthandler, and faulthandler's */
static int number;                                   /* that faulthandler has been told */
static const struct mpl_producer *volatile told;     /* whose session a crash is of */
static mpl_a64 crashing;                             /* generation of the process that one of whose threads is in here */
static char path[MPL_PATH + 160];

static char *put(char *at, const char *text)
{
    while (*text)
        *at++ = *text++;
    return at;
}

static char *put_number(char *at, uint64_t value, unsigned base, int width)
{
    char digits[24];
    int n = 0;
    for (; value || n < width; value /= base)
        digits[n++] = "0123456789abcdef"[value % base];
    while (n)
        *at++ = digits[--n];
    return at;
}

/* <dir>/<service>.<abi>.<session>.crash; false where this process has no session. */
static bool name_file(const struct mpl_producer *p)
{
    if (!p || !mpl_lane_is_mine(p))
        return false;
    char *at = put(put(put(put(path, p->dir), "/"), p->service), ".");
    at = put(put_number(at, MPL_ABI, 10, 1), ".");
    at = put(put_number(at, p->segment_id, 16, 12), "-");
    at = put(put_number(at, p->lane_number, 10, 1), "-");
    at = put(put_number(at, p->epoch, 10, 1), ".crash");
    *at = 0;
    return true;
}

/* Something is open under the number then: the file, or, where there can be none, nothing's abyss. False where the number is somebody else's. */
static bool open_number(void)
{
    int fd = -1;
    if (name_file(told))
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_APPEND, 0600);
    if (fd < 0)
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const int got = fd == number ? fd : fcntl(fd, F_DUPFD_CLOEXEC, number);
    if (got != fd)
        close(fd);
    if (got >= 0 && got != number)
        close(got);
    return got == number;
}

/* Another thread has crashed first, and its traceback is being written; the process ends with it, unless somebody outlives such signals. */
static bool first_one(void)
{
    const uint64_t mine = mpl_generation();
    for (int i = 0; i < 200; i++) {
        const uint64_t holder = mpl_load(&crashing);
        if (holder != mine && mpl_swap(&crashing, holder, mine))
            return true;
        struct timespec pause = {.tv_nsec = 10000000};
        nanosleep(&pause, NULL);
    }
    return false;
}

static void on_crash(int signal)
{
    const int saved = errno;
    size_t i = 0;
    while (i < FATAL - 1 && fatal[i] != signal)
        i++;
    if (first_one() && open_number()) {
        LAST_WORDS();
        inner[i].sa_handler(signal); /* does not return, but in a process that nothing can kill, as the first one of a namespace */
        close(number);
    } else {
        sigaction(signal, &before[i], NULL);
        LAST_WORDS();
        raise(signal);
    }
    mpl_store(&crashing, 0);
    errno = saved;
}

int mpl_crash_prepare(int fd)
{
    number = fd;
    for (size_t i = 0; i < FATAL; i++)
        if (sigaction(fatal[i], NULL, &before[i]))
            return -errno;
    return 0;
}

int mpl_crash_arm(void)
{
    for (size_t i = 0; i < FATAL; i++) {
        struct sigaction now;
        if (sigaction(fatal[i], NULL, &now))
            return -errno;
        /* Whoever handles the signal already may outlive it (a virtual machine does), and would not get it as it came. */
        if (before[i].sa_handler != SIG_DFL) {
            sigaction(fatal[i], &before[i], NULL);
            continue;
        }
        if (now.sa_handler == SIG_DFL || now.sa_flags & SA_SIGINFO || now.sa_handler == on_crash)
            continue; /* not taken over by faulthandler, or not anew: nothing to go on to */
        inner[i] = now;
        struct sigaction ours = {.sa_handler = on_crash, .sa_flags = SA_NODEFER | SA_ONSTACK};
        sigemptyset(&ours.sa_mask);
        if (sigaction(fatal[i], &ours, NULL))
            return -errno;
    }
    return 0;
}

void mpl_crash_tell(const struct mpl_producer *p) { told = p; }

void mpl_crash_forget(const struct mpl_producer *p)
{
    if (told == p)
        told = NULL;
}
