/* SPDX-License-Identifier: Apache-2.0
 *
 * A value under a secret's key is replaced in events that are whole, and where the result has room; what is no whole event stays as it is, wherever it ends,
 * and so does one that lies deeper than mplog's encoders go. */
#include "check.h"
#include "codec/redact.h"

/* {"user": "ann", "password": [1, "S3"], "n": 1, "token": "S4"} */
static const uint8_t EVENT[] = "\x84\xa4user\xa3" "ann\xa8password\x92\x01\xa2S3\xa1n\x01\xa5token\xa2S4";
static const uint8_t HIDDEN[] = "\x84\xa4user\xa3" "ann\xa8password\xaa[redacted]\xa1n\x01\xa5token\xaa[redacted]";
#define BYTES(text) (sizeof(text) - 1)

static struct mpl_redaction names;

/* Out of and into blocks of exactly these sizes; `out` takes the result. */
static size_t redact(const uint8_t *event, size_t len, size_t room, uint8_t *out, bool *full)
{
    uint8_t *in = malloc(len ? len : 1), *place = malloc(room ? room : 1);
    CHECK(in && place);
    memcpy(in, event, len);
    const size_t n = mpl_redact(&names, in, len, place, room, full);
    CHECK(n <= room);
    memcpy(out, place, n);
    free(in);
    free(place);
    return n;
}

static void names_are_bounded(void)
{
    const char long_name[MPL_REDACT_NAME_BYTES + 2] = "a_name_that_has_more_than_forty_eight_bytes_in_all";
    mpl_redaction_clear(&names);
    CHECK_EQ(mpl_redaction_add(&names, "", 0), MPL_E_ARG);
    CHECK_EQ(mpl_redaction_add(&names, long_name, MPL_REDACT_NAME_BYTES + 1), MPL_E_ARG);
    for (uint32_t i = 0; i < MPL_REDACT_NAMES; i++)
        CHECK_EQ(mpl_redaction_add(&names, long_name, MPL_REDACT_NAME_BYTES - i % 8), 0);
    CHECK_EQ(mpl_redaction_add(&names, "one_more", 8), MPL_E_ARG);
    CHECK_EQ(names.count, MPL_REDACT_NAMES);
}

/* Without a separator only a capital behind a small letter begins a word. */
static void words_begin_where_people_see_them(void)
{
    CHECK(mpl_redacts(&names, "accessToken", 11));
    CHECK(!mpl_redacts(&names, "ACCESSTOKEN", 11));
    CHECK(!mpl_redacts(&names, "{Token", 6));
    CHECK(!mpl_redacts(&names, "\xc3\xa9Token", 7));
    CHECK(!mpl_redacts(&names, "", 0));
}

static void deep(unsigned lists, bool hidden)
{
    uint8_t event[256], out[512];
    bool full;
    memset(event, 0x91, lists);
    memcpy(event + lists, "\x81\xa5token\xa2S4", 10);
    CHECK_EQ(redact(event, lists + 10, 256, out, &full) != 0, hidden);
    CHECK(!full);
}

static int test(const char *dir)
{
    uint8_t out[512];
    bool full;
    names_are_bounded();
    mpl_redaction_clear(&names);
    CHECK_EQ(redact(EVENT, BYTES(EVENT), 256, out, &full), 0); /* no names */
    CHECK_EQ(mpl_redaction_add(&names, "password", 8), 0);
    CHECK_EQ(mpl_redaction_add(&names, "token", 5), 0);
    words_begin_where_people_see_them();

    CHECK_EQ(redact(EVENT, BYTES(EVENT), BYTES(HIDDEN), out, &full), BYTES(HIDDEN));
    CHECK(memcmp(out, HIDDEN, BYTES(HIDDEN)) == 0);
    for (size_t room = 0; room < BYTES(HIDDEN); room++) {
        CHECK_EQ(mpl_redact(&names, EVENT, BYTES(EVENT), out, room, &full), 0);
        CHECK(full);
    }
    for (size_t len = 0; len < BYTES(EVENT); len++) {
        CHECK_EQ(mpl_redact(&names, EVENT, len, out, sizeof out, &full), 0);
        CHECK(!full);
        CHECK_EQ(mpl_redact(&names, EVENT, len, NULL, 0, &full) != 0, len >= BYTES("\x84\xa4user\xa3" "ann\xa8password\x92\x01\xa2S3"));
    }
    deep(60, true);
    deep(62, true);
    deep(63, false);
    deep(100, false);
    (void)dir;
    return 0;
}
