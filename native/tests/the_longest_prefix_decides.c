/* SPDX-License-Identifier: Apache-2.0
 *
 * The level that an event needs is that of the longest dotted prefix of its logger's name, else the file's own; what is no event has no logger. */
#include "check.h"

static struct mpl_reader r;

static bool takes(unsigned level, const char *logger)
{
    uint8_t *payload = malloc(300); /* exactly as long as what it holds, for a sanitizer's sake */
    size_t n = strlen(logger), head = n < 32 ? 2 : 3;
    payload[0] = 0x92;
    payload[1] = n < 32 ? (uint8_t)(0xa0 | n) : 0xd9;
    payload[2] = (uint8_t)n;
    memcpy(payload + head, logger, n);
    memcpy(payload + head + n, "\xa1x", 2);
    payload = realloc(payload, head + n + 2);
    CHECK(payload != NULL);
    bool taken = mpl_filter_takes(r.filters[0], level, payload, head + n + 2);
    free(payload);
    return taken;
}

/* The least level that is taken. */
static unsigned least(const char *logger)
{
    unsigned level = 0;
    while (level < 256 && !takes(level, logger))
        level++;
    for (unsigned above = level; above < 256; above++)
        CHECK(takes(above, logger));
    return level;
}

static void many(void)
{
    static char names[MPL_MAX_RULES][8];
    static struct mpl_rule rules[MPL_MAX_RULES];
    for (unsigned i = 0; i < MPL_MAX_RULES; i++)
        rules[i] = (struct mpl_rule){.prefix = names[i], .length = (size_t)sprintf(names[i], "m%u", i), .level = (uint8_t)i};
    CHECK_EQ(mpl_filter_set(&r, 0, 7, rules, MPL_MAX_RULES), 0);
    for (unsigned i = 0; i < MPL_MAX_RULES; i++)
        CHECK_EQ(least(names[i]), i);
    CHECK_EQ(least("m256"), 7);
    CHECK_EQ(mpl_filter_set(&r, 0, 7, rules, MPL_MAX_RULES + 1), MPL_E_ARG);
}

static int test(const char *dir)
{
    const struct mpl_rule rules[] = {{"app.db", 6, 30}, {"app", 3, 25}, {"app.db.pool", 11, 10}, {"lib", 3, 255}, {".x", 2, 15}};
    const struct mpl_rule bad[] = {{"", 0, 30}};
    const struct mpl_rule alike[] = {{"liquid", 6, 30}, {"declinate", 9, 40}};
    char longest[MPL_MAX_PREFIX + 1];
    const struct mpl_rule too_long[] = {{longest, MPL_MAX_PREFIX + 1, 30}};
    (void)dir;
    CHECK_EQ(mpl_filter_set(&r, 0, 20, rules, 5), 0);
    CHECK_EQ(least("app.db"), 30);
    CHECK_EQ(least("app.db.x"), 30);
    CHECK_EQ(least("app.db.pool"), 10);
    CHECK_EQ(least("app.db.pool.a.b"), 10);
    CHECK_EQ(least("app.db.pooling"), 30);
    CHECK_EQ(least("app.dbx"), 25);
    CHECK_EQ(least("app"), 25);
    CHECK_EQ(least("apple"), 20);
    CHECK_EQ(least("ap"), 20);
    CHECK_EQ(least(""), 20);
    CHECK_EQ(least("lib.a"), 255);
    CHECK_EQ(least(".x.y"), 15);
    CHECK_EQ(least("."), 20);
    CHECK_EQ(least("app."), 25);
    memset(longest, 'a', sizeof longest);
    longest[MPL_MAX_PREFIX] = 0;
    CHECK_EQ(least(longest), 20);
    static const char *const none[] = {"", "\x90", "\x91", "\x91\xc0", "\x92\xa9" "app.db", "\x81\xa3lib", "\x91\xd9", "\x91\xdb\xff\xff\xff\xff", "\xc1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        size_t n = strlen(none[i]);
        char *exact = malloc(n ? n : 1);
        CHECK(exact != NULL);
        memcpy(exact, none[i], n);
        CHECK(mpl_filter_takes(r.filters[0], 20, exact, n) && !mpl_filter_takes(r.filters[0], 19, exact, n));
        free(exact);
    }
    CHECK_EQ(mpl_filter_set(&r, 0, 20, bad, 1), MPL_E_ARG);
    CHECK_EQ(least("lib"), 255);
    CHECK_EQ(mpl_filter_set(&r, 0, 40, NULL, 0), 0);
    CHECK_EQ(least("lib"), 40);
    CHECK_EQ(mpl_filter_set(&r, MPL_MAX_SINKS, 40, NULL, 0), MPL_E_ARG);
    CHECK_EQ(mpl_filter_set(&r, 0, 20, too_long, 1), MPL_E_ARG);
    CHECK_EQ(mpl_filter_set(&r, 0, 20, alike, 2), 0); /* names of one hash with others: FNV-1a of 32 bits */
    CHECK_EQ(least("liquid"), 30);
    CHECK_EQ(least("costarring"), 20);
    CHECK_EQ(least("declinate"), 40);
    CHECK_EQ(least("macallums"), 20);
    many();
    free(r.filters[0]);
    return 0;
}
