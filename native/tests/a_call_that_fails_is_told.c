/* SPDX-License-Identifier: Apache-2.0
 *
 * Bell, segments, journal, spool, reader and claim, in each of which the n-th system call or allocation fails, for every n: it says so or does without,
 * leaves no descriptor and no mapping behind, and can be done again. What is written bit by bit goes on where a call was interrupted. */
#include "fails.h"
#include "hand.h"
#include "service.h"
#include "spool.h"

#define TEXT "what is owed\n"

static const char *place;
static struct mpl_journal journal;

static void path_of(char *out, const char *suffix) { CHECK_EQ(mpl_path(out, place, SERVICE, suffix), 0); }

static void gone(const char *suffix)
{
    char path[MPL_PATH];
    path_of(path, suffix);
    CHECK(unlink(path) == 0 || errno == ENOENT);
}

/* ---- what is done, each with what it needs made beforehand, and undone afterwards ---------------------------------------- */
static int open_bell(void)
{
    struct mpl_bell *bell = NULL;
    bool created;
    int rc = mpl_bell_open(place, SERVICE, CONF, strlen(CONF), &bell, &created);
    CHECK((rc == 0) == (bell != NULL));
    mpl_bell_close(bell);
    return rc;
}

static void no_bell(void) { gone("bell"); }

static int read_bell(void)
{
    char conf[64];
    size_t len = sizeof conf;
    int rc = mpl_bell_conf(place, SERVICE, conf, &len);
    CHECK(rc < 0 || (len == strlen(CONF) && memcmp(conf, CONF, len) == 0));
    return rc;
}

static void a_bell(void) { service_make(place); }

static void no_segment(void)
{
    a_bell();
    gone("0.ring");
}

static int open_journal(void)
{
    struct mpl_journal j;
    int rc = mpl_journal_open(&j, place, SERVICE, STAGING);
    if (rc == 0)
        CHECK_EQ(j.page->staging_bytes, STAGING);
    mpl_journal_close(&j);
    return rc;
}

static void damaged_journal(void)
{
    char path[MPL_PATH];
    path_of(path, "journal");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && pwrite(fd, "damaged", 7, 0) == 7);
    close(fd);
}

static void a_journal(void) { CHECK_EQ(open_journal(), 0); }

static int owe(void)
{
    const int rc = mpl_spool_append(&journal, 1, 0, TEXT, strlen(TEXT));
    CHECK(rc <= 0);
    return rc;
}

static int load(void)
{
    char out[64];
    const int64_t n = mpl_spool_load(&journal, 1, out, sizeof out);
    CHECK(n < 0 || (n == (int64_t)strlen(TEXT) && memcmp(out, TEXT, strlen(TEXT)) == 0));
    return n < 0 ? (int)n : 0;
}

static int look_at_what_is_owed(void)
{
    uint64_t owed[MPL_MAX_SINKS];
    const int rc = mpl_owed(place, SERVICE, owed);
    CHECK(rc <= 0);
    return rc;
}

static int reserve(void) { return mpl_spool_reserve(&journal, 1, 4096); }

static int trim(void)
{
    mpl_spool_trim(&journal, 1); /* memory that stays taken is no loss */
    CHECK(mpl_journal_owes(&journal, 1));
    return 0;
}

static void a_spool(void)
{
    const struct mpl_file file = {.spool_end = mpl_spool_bytes(strlen(TEXT))};
    CHECK_EQ(owe(), 0);
    mpl_journal_set_file(&journal, 1, &file);
}

static int read_segments(void)
{
    struct mpl_reader r;
    int rc = mpl_reader_open(&r, place, SERVICE, true, ARENA);
    if (rc)
        return rc;
    rc = mpl_reader_scan(&r, NULL);
    mpl_reader_close(&r);
    return rc < 0 ? rc : 0;
}

static int claim(void)
{
    struct mpl_producer p;
    CHECK_EQ(mpl_producer_init(&p, place, SERVICE, "some"), 0);
    int rc = mpl_attach(&p);
    CHECK_EQ(p.trouble, rc);
    CHECK(rc == 0 ? p.lane != NULL && mpl_load(&p.bell->state) == MPL_LIVE : p.retry_ns > 0);
    mpl_producer_free(&p);
    return rc;
}

/* A writer died while it took the service down: whoever claims next sets it up again. */
static void a_retired_bell(void)
{
    struct mpl_bell *bell;
    bool created;
    CHECK_EQ(mpl_bell_open(place, SERVICE, CONF, strlen(CONF), &bell, &created), 0);
    mpl_store(&bell->state, MPL_RETIRED);
    mpl_bell_close(bell);
}

static int set_apart(void)
{
    int rc = mpl_journal_set_apart(&journal, 2, "");
    CHECK((rc == 0) == (journal.hands[2] != NULL));
    mpl_hand_free(journal.hands[2]);
    journal.hands[2] = NULL;
    return rc;
}

static int filter(void)
{
    struct mpl_reader *r = calloc(1, sizeof *r);
    const struct mpl_rule rule = {.prefix = "shop", .length = 4, .level = 30};
    if (!r)
        return -ENOMEM;
    int rc = mpl_filter_set(r, 0, 20, &rule, 1);
    CHECK((rc == 0) == (r->filters[0] != NULL));
    free(r->filters[0]);
    free(r);
    return rc;
}

/* ["level is at least 30"]: it makes a filter too, which the drain asks first */
static int condition(void)
{
    static const char program[] = "\x91\x96\x01\x05\xa0\x91\x1e\xcc\xfe\xcc\xff";
    struct mpl_reader *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    int rc = mpl_condition_set(r, 0, program, sizeof program - 1);
    CHECK((rc == 0) == (r->conditions[0] != NULL && r->filters[0] != NULL));
    free(r->filters[0]);
    free(r->conditions[0]);
    free(r);
    return rc;
}

static void nothing(void) {}

static const struct deed {
    const char *name;
    void (*before)(void);
    int (*deed)(void);
    bool goes_on; /* where a call was interrupted */
} deeds[] = {
    {"a bell is made", no_bell, open_bell, true},
    {"a bell is opened", a_bell, open_bell, false},
    {"a bell is read", a_bell, read_bell, false},
    {"a journal is made", damaged_journal, open_journal, false},
    {"a journal is opened", a_journal, open_journal, false},
    {"a spool is written", nothing, owe, true},
    {"a spool is read", a_spool, load, true},
    {"what is owed is looked at", a_journal, look_at_what_is_owed, true},
    {"a spool gets room", a_spool, reserve, false},
    {"a spool is trimmed", a_spool, trim, false},
    {"a lane is claimed", no_segment, claim, false},
    {"a lane is claimed where the bell is retired", a_retired_bell, claim, false},
    {"segments are read", a_bell, read_segments, false},
    {"a file gets its hand", nothing, set_apart, false},
    {"a file gets its filter", nothing, filter, false},
    {"a file gets its condition", nothing, condition, false},
};

/* Once for each of its calls, by `fail` with all after it or without; how many there were. */
static long each_fails(const struct deed *d, void (*fail)(long, int), unsigned kinds, int error)
{
    long n, struck = 1;
    for (n = 1; struck; n++) {
        d->before();
        const int held = things_held(place);
        fail_kinds = kinds;
        fail(n, error);
        int rc = d->deed();
        struck = fail_never();
        if (rc < 0 && !struck)
            fprintf(stderr, "%s: %d with nothing in its way\n", d->name, rc);
        CHECK(rc == 0 || (struck && !(error == EINTR && d->goes_on)));
        CHECK_EQ(things_held(place), held);
        if (rc) {
            d->before();
            CHECK_EQ(d->deed(), 0);
        }
    }
    return n - 2;
}

static int boot_unknown(void *arg)
{
    fail_kinds = F_OPEN;
    fail_nth((long)(intptr_t)arg, EACCES);
    struct mpl_journal j;
    CHECK_EQ(mpl_journal_open(&j, place, SERVICE, STAGING), 0);
    const bool fresh = j.fresh;
    mpl_journal_close(&j);
    return fresh;
}

static int owed_in_an_unknown_boot(void *arg)
{
    uint64_t owed[MPL_MAX_SINKS];
    (void)arg;
    fail_kinds = F_OPEN;
    fail_nth(2, EACCES);
    CHECK_EQ(mpl_owed(place, SERVICE, owed), 0);
    return (int)fail_never();
}

static int test(const char *dir)
{
    place = dir;
    /* before this process knows its boot: one that cannot tell whether the journal is of this boot does not go by it */
    CHECK_EQ(reap(spawn(boot_unknown, NULL)), 1);
    CHECK_EQ(reap(spawn(boot_unknown, NULL)), 0);
    CHECK_EQ(reap(spawn(owed_in_an_unknown_boot, NULL)), 1);
    CHECK_EQ(reap(spawn(boot_unknown, (void *)2)), 1);
    CHECK_EQ(mpl_journal_open(&journal, dir, SERVICE, STAGING), 0);
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        const long any = each_fails(&deeds[i], fail_nth, F_ANY, EIO);
        if (deeds[i].deed != claim) /* which waits for a bell that can be set up again */
            CHECK(each_fails(&deeds[i], fail_from, F_ANY, EIO) > 0);
        const long moved = each_fails(&deeds[i], fail_nth, F_PREAD | F_PWRITE, FAIL_NOTHING);
        each_fails(&deeds[i], fail_nth, F_PREAD | F_PWRITE, EINTR);
        printf("%s: %ld calls, %ld of them move bytes\n", deeds[i].name, any, moved);
        CHECK(any > 0);
    }
    mpl_journal_close(&journal);

    struct mpl_bell *bell;
    bool created;
    no_bell();
    fail_kinds = F_LINK;
    fail_from(1, EEXIST); /* a bell that is there whenever one is to be made, and never when it is looked for */
    CHECK_EQ(mpl_bell_open(dir, SERVICE, CONF, strlen(CONF), &bell, &created), MPL_E_RETIRED);
    CHECK(fail_never() > 1 && !created);
    return 0;
}
