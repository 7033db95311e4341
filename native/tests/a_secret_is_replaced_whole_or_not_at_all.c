/* SPDX-License-Identifier: Apache-2.0
 *
 * A value under a secret's key is replaced in events that are whole, and where the result has room; what is no whole event stays as it is, wherever it ends.
 * What lies deeper than it is looked for is left out, and keeps no other secret. */
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
    char long_name[MPL_REDACT_NAME_BYTES + 1];
    memset(long_name, 'a', sizeof long_name);
    mpl_redaction_clear(&names);
    CHECK_EQ(mpl_redaction_add(&names, "", 0), MPL_E_ARG);
    CHECK_EQ(mpl_redaction_add(&names, "_-.", 3), MPL_E_ARG);
    CHECK_EQ(mpl_redaction_add(&names, long_name, MPL_REDACT_NAME_BYTES + 1), MPL_E_ARG);
    for (uint32_t i = 0; i < MPL_REDACT_NAMES; i++)
        CHECK_EQ(mpl_redaction_add(&names, long_name, MPL_REDACT_NAME_BYTES - i % 8), 0);
    CHECK_EQ(mpl_redaction_add(&names, "one_more", 8), MPL_E_ARG);
    CHECK_EQ(names.count, MPL_REDACT_NAMES);
}

static bool is_secret(const char *key) { return mpl_redacts(&names, key, strlen(key)); }

/* Without a separator only a capital behind a small letter or a digit, or before a small letter, begins a word. */
static void words_begin_where_people_see_them(void)
{
    CHECK(is_secret("accessToken"));
    CHECK(is_secret("SMTPPassword"));
    CHECK(is_secret("oauth2Token"));
    CHECK(is_secret("OAUTH2TOKEN"));
    CHECK(is_secret("{Token"));
    CHECK(is_secret("\xc3\xa9Token"));
    CHECK(!is_secret("ACCESSTOKEN"));
    CHECK(!is_secret("oauth2token"));
    CHECK(!is_secret("\xc3\xa9TOKEN"));
    CHECK(!is_secret("\xc3\xa9token"));
    CHECK(!is_secret(""));
    CHECK(!is_secret("-"));
}

static void what_separates_letters_does_not_count(void)
{
    CHECK(is_secret("PASS_WORD"));
    CHECK(is_secret("form[pass-word]"));
    CHECK(is_secret("password_"));
    CHECK(is_secret("b'token'"));
    CHECK(is_secret("user/token:"));
    CHECK(!is_secret("compass_word"));
    CHECK(!is_secret("ken"));
    CHECK(!is_secret("\xe2\x80\x8btoken")); /* what is beyond ASCII is letters */
}

static bool holds(const uint8_t *bytes, size_t n, const char *text)
{
    for (size_t i = 0; i + strlen(text) <= n; i++)
        if (memcmp(bytes + i, text, strlen(text)) == 0)
            return true;
    return false;
}

/* {"token": "S4"} in so many lists; behind them, in the list around all, another one. */
static void deep(unsigned lists, bool left_out)
{
    uint8_t event[256], out[512];
    bool full;
    memset(event, 0x91, lists);
    event[0] = 0x92;
    memcpy(event + lists, "\x81\xa5token\xa2S4\x81\xa5token\xa2S5", 20);
    const size_t n = redact(event, lists + 20, 512, out, &full);
    CHECK(n != 0 && !full);
    CHECK(!holds(out, n, "S4") && !holds(out, n, "S5"));
    CHECK_EQ(holds(out, n, "\xa3…"), left_out);
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
    what_separates_letters_does_not_count();

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
    deep(60, false);
    deep(62, false);
    deep(63, true);
    deep(100, true);
    (void)dir;
    return 0;
}
