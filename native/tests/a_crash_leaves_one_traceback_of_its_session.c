/* SPDX-License-Identifier: Apache-2.0
 *
 * A crash of a process that logs leaves what the handler behind ours writes in a file named after its session, once; none is left where there is no session,
 * no descriptor, or where the program has come to use the number itself; and the process dies of its signal all the same, unless it outlives it. */
#include <pthread.h>
#include <sys/syscall.h>

#include "crash.h"
#include "fails.h"
#include "service.h"

#define TEXT "traceback\n"
#define NUMBER 200

static const int deadly[] = {SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL};
#define DEADLY (sizeof deadly / sizeof *deadly)

static const char *place;
static char *file; /* of the session that crashed last; shared, since a child names it */
static struct mpl_producer p;
static int number; /* where the traceback goes */
static bool outlives;
static void (*meanwhile)(void); /* while a traceback is being written */

/* As faulthandler's: writes, puts back what was there before, and raises the signal again. */
static void write_traceback(int signal_number)
{
    CHECK_EQ(write(number, TEXT, strlen(TEXT)), strlen(TEXT));
    if (meanwhile)
        meanwhile();
    if (outlives)
        return;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void prepared(void)
{
    for (size_t i = 0; i < DEADLY; i++)
        signal(deadly[i], SIG_DFL); /* no sanitizer's */
    CHECK_EQ(mpl_crash_prepare(number), 0);
    for (size_t i = 0; i < DEADLY; i++)
        signal(deadly[i], write_traceback);
}

/* ---- lives of a process with a session ----------------------------------------------------------------------------------------- */
struct life {
    void (*body)(void);
    int end; /* as reap() tells it */
    const char *leaves; /* NULL: no file */
};

static void dies(int of)
{
    prepared();
    CHECK_EQ(mpl_crash_arm(), 0);
    raise(of);
}

static void plain(void) { dies(SIGSEGV); }
static void of_the_last_signal(void) { dies(SIGILL); }

static void armed_twice(void)
{
    prepared();
    CHECK_EQ(mpl_crash_arm(), 0);
    CHECK_EQ(mpl_crash_arm(), 0);
    raise(SIGFPE); /* what is behind is ours then: it must not go on to itself */
}

static void with_the_lowest_number(void)
{
    number = dup(0);
    CHECK(number >= 0);
    close(number);
    dies(SIGBUS);
}

static void of_another_producer(void)
{
    static const struct mpl_producer other;
    mpl_crash_forget(&other);
    dies(SIGSEGV);
}

static void without_a_session(void)
{
    mpl_crash_forget(&p);
    dies(SIGSEGV);
}

/* Made past the handlers of fork, so that the lane is its parent's still. */
static void as_a_child(void)
{
    const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        dies(SIGSEGV);
    CHECK_EQ(reap(pid), 1000 + SIGSEGV);
}

static void own_name(char *out) { snprintf(out, MPL_PATH, "%s/own", place); }

static void with_the_number_in_use(void)
{
    char own[MPL_PATH];
    own_name(own);
    int fd = open(own, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && dup2(fd, number) == number);
    dies(SIGSEGV);
}

static void without_a_descriptor(void)
{
    mpl_crash_tell(NULL);
    fail_kinds = F_OPEN;
    fail_nth(1, EMFILE);
    dies(SIGSEGV);
}

static void without_a_second_descriptor(void)
{
    fail_kinds = F_FCNTL;
    fail_nth(1, EMFILE);
    dies(SIGSEGV);
}

static void and_lives_on(void)
{
    outlives = true;
    dies(SIGSEGV);
    CHECK_EQ(fcntl(number, F_GETFD), -1); /* closed behind it */
    raise(SIGABRT); /* and goes to the abyss: the file has what came first */
    CHECK_EQ(fcntl(number, F_GETFD), -1);
}

static int first_has_written[2];

static void *crash_beside(void *arg)
{
    char byte;
    CHECK_EQ(read(first_has_written[0], &byte, 1), 1);
    raise(SIGSEGV);
    return arg;
}

static void crash_in_the_other(void)
{
    meanwhile = NULL;
    CHECK_EQ(write(first_has_written[1], "", 1), 1);
    for (;;)
        pause();
}

/* The second one waits for the first, which never ends here, and then ends the process itself. */
static void in_two_threads(void)
{
    pthread_t thread;
    CHECK_EQ(pipe2(first_has_written, O_CLOEXEC), 0);
    CHECK_EQ(pthread_create(&thread, NULL, crash_beside, NULL), 0);
    meanwhile = crash_in_the_other;
    dies(SIGSEGV);
}

/* ---- whose handlers stay as they are ----------------------------------------------------------------------------------------- */
static void own_handler(int signal_number) { _exit(signal_number == SIGFPE ? 7 : 8); }

static void with_a_handler_of_its_own(void)
{
    CHECK_EQ(sigaction(SIGFPE, &(struct sigaction){.sa_handler = own_handler}, NULL), 0);
    CHECK_EQ(mpl_crash_prepare(number), 0);
    signal(SIGFPE, write_traceback);
    CHECK_EQ(mpl_crash_arm(), 0);
    raise(SIGFPE);
}

static void own_information(int signal_number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    own_handler(signal_number);
}

static void behind_a_handler_with_information(void)
{
    const struct sigaction theirs = {.sa_sigaction = own_information, .sa_flags = SA_SIGINFO};
    prepared();
    CHECK_EQ(sigaction(SIGFPE, &theirs, NULL), 0);
    CHECK_EQ(mpl_crash_arm(), 0);
    raise(SIGFPE);
}

static void with_nothing_behind(void)
{
    prepared();
    signal(SIGFPE, SIG_DFL);
    CHECK_EQ(mpl_crash_arm(), 0);
    raise(SIGFPE);
}

static const struct life lives[] = {
    {plain, 1000 + SIGSEGV, TEXT}, {of_the_last_signal, 1000 + SIGILL, TEXT}, {armed_twice, 1000 + SIGFPE, TEXT}, {with_the_lowest_number, 1000 + SIGBUS, TEXT},
    {of_another_producer, 1000 + SIGSEGV, TEXT}, {without_a_session, 1000 + SIGSEGV, NULL}, {as_a_child, 0, NULL}, {with_the_number_in_use, 1000 + SIGSEGV, ""},
    {without_a_descriptor, 1000 + SIGSEGV, NULL}, {without_a_second_descriptor, 1000 + SIGSEGV, ""}, {and_lives_on, 0, TEXT}, {in_two_threads, 1000 + SIGSEGV, TEXT},
    {with_a_handler_of_its_own, 7, NULL}, {behind_a_handler_with_information, 7, NULL}, {with_nothing_behind, 1000 + SIGFPE, NULL},
};

static int live(void *arg)
{
    number = NUMBER;
    producer_make(&p, place, "crashes");
    mpl_crash_tell(&p);
    snprintf(file, MPL_PATH, "%s/" SERVICE ".%u.%012llx-%u-%u.crash", place, MPL_ABI, (unsigned long long)p.segment_id, p.lane_number, p.epoch);
    ((const struct life *)arg)->body();
    return 0;
}

static void check_file(const char *leaves)
{
    char got[64] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    CHECK_EQ(fd >= 0, leaves != NULL);
    if (!leaves)
        return;
    CHECK_EQ(read(fd, got, sizeof got - 1), strlen(leaves));
    CHECK_EQ(strcmp(got, leaves), 0);
    close(fd);
}

static void refused(int (*step)(void), long at_least)
{
    long n = 1;
    fail_kinds = F_SIGNAL;
    for (;; n++) {
        fail_nth(n, EINVAL);
        const int rc = step();
        if (!fail_never())
            break;
        CHECK_EQ(rc, -EINVAL);
    }
    CHECK(n > at_least);
}

static int prepare(void) { return mpl_crash_prepare(NUMBER); }

static int is_refused(void *arg)
{
    (void)arg;
    number = NUMBER;
    prepared();
    refused(prepare, 5);
    prepared();
    refused(mpl_crash_arm, 5);
    return 0;
}

static int test(const char *dir)
{
    char own[MPL_PATH];
    struct stat st;
    place = dir;
    file = shared_memory(MPL_PATH);
    service_make(dir);
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
                CHECK_EQ(reap(spawn(live, (void *)(uintptr_t)&lives[i])), lives[i].end);
        check_file(lives[i].leaves);
    }
    own_name(own);
    CHECK(stat(own, &st) == 0 && st.st_size == 0); /* no traceback got into a file of the program's */
    CHECK_EQ(reap(spawn(is_refused, NULL)), 0);
    return 0;
}
