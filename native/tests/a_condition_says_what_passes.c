/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of a `filter` and events beside them: what each passes. One that is not whole is not taken; an event that cannot be read passes. */
#include "check.h"
#include "format/format.h"

#define TAKE "\xcc\xfe"
#define DROP "\xcc\xff"
#define ASK(what, operation, name, operands) "\x91\x96" what operation name operands TAKE DROP
#define HAS "\x00"
#define IN "\x01"
#define LESS "\x02"
#define LESS_EQUAL "\x03"
#define GREATER "\x04"
#define GREATER_EQUAL "\x05"
#define LIKE "\x06"
#define FIELD "\x00"
#define LOGGER "\x02"
#define LINE "\x05"
#define TASK "\x09"
#define EXCEPTION "\x0a"
#define PROCESS "\x0b"
#define PID "\x0c"
#define NONE "\x90"
#define N "\xa1n"

#define EVENT(fields, context, line, task, exception)                                                                                                        \
    "\x9d\xa8shop.web\xa5hello" fields context "\xa6" "app.py" line "\xa4main\x07\xa4Main" task exception "\xc0\xc0"
#define WITH(fields) EVENT(fields, "\xc0", "\x0c", "\xc0", "\xc0")
#define OF(value) WITH("\x81" N value)
#define REAL_MINUS_2_5 "\xcb\xc0\x04\x00\x00\x00\x00\x00\x00"
#define REAL_MINUS_HALF "\xcb\xbf\xe0\x00\x00\x00\x00\x00\x00"
#define REAL_2_5 "\xcb\x40\x04\x00\x00\x00\x00\x00\x00"
#define REAL_3 "\xcb\x40\x08\x00\x00\x00\x00\x00\x00"
#define REAL_1E300 "\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c"
#define REAL_MINUS_1E300 "\xcb\xfe\x37\xe4\x3c\x88\x00\x75\x9c"
#define NOT_A_NUMBER "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"

struct bytes {
    const char *at;
    size_t n;
};
#define BYTES(text) {text, sizeof(text) - 1}

static const struct row {
    const char *what;
    struct bytes program, event;
    bool passes;
} rows[] = {
    {"a field is there", BYTES(ASK(FIELD, HAS, N, NONE)), BYTES(OF("\x05")), true},
    {"a field is not", BYTES(ASK(FIELD, HAS, N, NONE)), BYTES(WITH("\x80")), false},
    {"of a key that stands twice the last", BYTES(ASK(FIELD, IN, N, "\x91\x02")), BYTES(WITH("\x82" N "\x01" N "\x02")), true},
    {"a key that is no text is none", BYTES(ASK(FIELD, HAS, N, NONE)), BYTES(WITH("\x81\x91\x01\x02")), false},
    {"in the context", BYTES(ASK(FIELD, IN, N, "\x91\x02")), BYTES(EVENT("\x80", "\x81" N "\x02", "\x0c", "\xc0", "\xc0")), true},
    {"a field within one", BYTES(ASK(FIELD, IN, "\xa3n.m", "\x91\x02")), BYTES(OF("\x81\xa1m\x02")), true},
    {"a field within one that is no map", BYTES(ASK(FIELD, HAS, "\xa3n.m", NONE)), BYTES(OF("\x02")), false},
    {"fields that are no map", BYTES(ASK(FIELD, HAS, N, NONE)), BYTES(WITH("\x90")), true},
    {"fields that are nil", BYTES(ASK(FIELD, HAS, N, NONE)), BYTES(WITH("\xc0")), true},
    {"a context that is no map", BYTES(ASK(FIELD, HAS, N, NONE)), BYTES(EVENT("\x80", "\x90", "\x0c", "\xc0", "\xc0")), true},
    {"an event of too few items", BYTES(ASK(TASK, HAS, "\xa0", NONE)), BYTES("\x92\xa4shop\xa5hello"), false},
    {"an event cut off", BYTES(ASK(TASK, HAS, "\xa0", NONE)), BYTES("\x9d\xa4shop\xa5hel"), true},
    {"an event cut off in its fields", BYTES(ASK(FIELD, HAS, N, NONE)), BYTES("\x9d\xa4shop\xa5hello\x81" N), true},
    {"no event", BYTES(ASK(LOGGER, HAS, "\xa0", NONE)), BYTES("\xa4shop"), true},
    {"nothing", BYTES(ASK(LOGGER, HAS, "\xa0", NONE)), BYTES(""), true},

    {"no task", BYTES(ASK(TASK, HAS, "\xa0", NONE)), BYTES(OF("\x05")), false},
    {"a task", BYTES(ASK(TASK, IN, "\xa0", "\x91\xa1t")), BYTES(EVENT("\x80", "\xc0", "\x0c", "\xa1t", "\xc0")), true},
    {"a task that is a number", BYTES(ASK(TASK, HAS, "\xa0", NONE)), BYTES(EVENT("\x80", "\xc0", "\x0c", "\x05", "\xc0")), true},
    {"no exception", BYTES(ASK(EXCEPTION, HAS, "\xa0", NONE)), BYTES(OF("\x05")), false},
    {"an exception", BYTES(ASK(EXCEPTION, IN, "\xa0", "\x91\xa1" "E")), BYTES(EVENT("\x80", "\xc0", "\x0c", "\xc0", "\x92\xa1" "E\xa1m")), true},
    {"another exception", BYTES(ASK(EXCEPTION, IN, "\xa0", "\x91\xa1" "E")), BYTES(EVENT("\x80", "\xc0", "\x0c", "\xc0", "\x92\xa1" "F\xa1m")), false},
    {"an exception without a type", BYTES(ASK(EXCEPTION, IN, "\xa0", "\x91\xa1" "E")), BYTES(EVENT("\x80", "\xc0", "\x0c", "\xc0", "\x90")), true},
    {"an exception whose type is a number", BYTES(ASK(EXCEPTION, IN, "\xa0", "\x91\xa1" "E")), BYTES(EVENT("\x80", "\xc0", "\x0c", "\xc0", "\x91\x05")), true},
    {"an exception that is a text", BYTES(ASK(EXCEPTION, IN, "\xa0", "\x91\xa1" "E")), BYTES(EVENT("\x80", "\xc0", "\x0c", "\xc0", "\xa1" "E")), true},
    {"a line", BYTES(ASK(LINE, IN, "\xa0", "\x91\x0c")), BYTES(OF("\x05")), true},
    {"a line that is nil", BYTES(ASK(LINE, IN, "\xa0", "\x91\x0c")), BYTES(EVENT("\x80", "\xc0", "\xc0", "\xc0", "\xc0")), true},
    {"line 0 is none", BYTES(ASK(LINE, HAS, "\xa0", NONE)), BYTES(EVENT("\x80", "\xc0", "\x00", "\xc0", "\xc0")), false},
    {"a process", BYTES(ASK(PROCESS, LIKE, "\xa0", "\x91\xa1" "e")), BYTES(OF("\x05")), true},
    {"a process's id", BYTES(ASK(PID, IN, "\xa0", "\x91\x07")), BYTES(OF("\x05")), true},

    {"a logger below", BYTES(ASK(LOGGER, LIKE, "\xa0", "\x91\xa4shop")), BYTES(OF("\x05")), true},
    {"the logger itself", BYTES(ASK(LOGGER, LIKE, "\xa0", "\x91\xa8shop.web")), BYTES(OF("\x05")), true},
    {"a logger that begins alike", BYTES(ASK(LOGGER, LIKE, "\xa0", "\x91\xa6shop.w")), BYTES(OF("\x05")), false},
    {"another logger", BYTES(ASK(LOGGER, LIKE, "\xa0", "\x91\xa4shoq")), BYTES(OF("\x05")), false},
    {"a logger above", BYTES(ASK(LOGGER, LIKE, "\xa0", "\x91\xaashop.web.x")), BYTES(OF("\x05")), false},
    {"a part of a text", BYTES(ASK(FIELD, LIKE, N, "\x91\xa2" "bc")), BYTES(OF("\xa4" "abcd")), true},
    {"not a part of it", BYTES(ASK(FIELD, LIKE, N, "\x91\xa2" "bd")), BYTES(OF("\xa4" "abcd")), false},
    {"a part of a number", BYTES(ASK(FIELD, LIKE, N, "\x91\xa1" "5")), BYTES(OF("\x05")), false},

    {"true is true", BYTES(ASK(FIELD, IN, N, "\x92\x05\xc3")), BYTES(OF("\xc3")), true},
    {"true is not false", BYTES(ASK(FIELD, IN, N, "\x91\xc2")), BYTES(OF("\xc3")), false},
    {"true is not 1", BYTES(ASK(FIELD, IN, N, "\x91\x01")), BYTES(OF("\xc3")), false},
    {"nil is nil", BYTES(ASK(FIELD, IN, N, "\x91\xc0")), BYTES(OF("\xc0")), true},
    {"1 is not true", BYTES(ASK(FIELD, IN, N, "\x91\xc3")), BYTES(OF("\x01")), false},
    {"a map is nothing", BYTES(ASK(FIELD, IN, N, "\x91\x01")), BYTES(OF("\x80")), false},
    {"bytes are nothing", BYTES(ASK(FIELD, IN, N, "\x91\x01")), BYTES(OF("\xc4\x01\x01")), false},

    {"-1 before 1", BYTES(ASK(FIELD, LESS, N, "\x91\x01")), BYTES(OF("\xff")), true},
    {"1 before -1", BYTES(ASK(FIELD, LESS, N, "\x91\xff")), BYTES(OF("\x01")), false},
    {"1 after -1", BYTES(ASK(FIELD, GREATER, N, "\x91\xff")), BYTES(OF("\x01")), true},
    {"-2 before -1", BYTES(ASK(FIELD, LESS, N, "\x91\xff")), BYTES(OF("\xfe")), true},
    {"5 at most 5", BYTES(ASK(FIELD, LESS_EQUAL, N, "\x91\x05")), BYTES(OF("\x05")), true},
    {"6 not at most 5", BYTES(ASK(FIELD, LESS_EQUAL, N, "\x91\x05")), BYTES(OF("\x06")), false},
    {"4 not at least 5", BYTES(ASK(FIELD, GREATER_EQUAL, N, "\x91\x05")), BYTES(OF("\x04")), false},
    {"6 at least 5", BYTES(ASK(FIELD, GREATER_EQUAL, N, "\x91\x05")), BYTES(OF("\x06")), true},
    {"2 before 2.5", BYTES(ASK(FIELD, LESS, N, "\x91" REAL_2_5)), BYTES(OF("\x02")), true},
    {"3 after 2.5", BYTES(ASK(FIELD, GREATER, N, "\x91" REAL_2_5)), BYTES(OF("\x03")), true},
    {"3 is 3.0", BYTES(ASK(FIELD, IN, N, "\x91" REAL_3)), BYTES(OF("\x03")), true},
    {"-2 after -2.5", BYTES(ASK(FIELD, GREATER, N, "\x91" REAL_MINUS_2_5)), BYTES(OF("\xfe")), true},
    {"-3 before -2.5", BYTES(ASK(FIELD, LESS, N, "\x91" REAL_MINUS_2_5)), BYTES(OF("\xfd")), true},
    {"0 after -0.5", BYTES(ASK(FIELD, GREATER, N, "\x91" REAL_MINUS_HALF)), BYTES(OF("\x00")), true},
    {"-1 before -0.5", BYTES(ASK(FIELD, LESS, N, "\x91" REAL_MINUS_HALF)), BYTES(OF("\xff")), true},
    {"3 before 1e300", BYTES(ASK(FIELD, LESS, N, "\x91" REAL_1E300)), BYTES(OF("\x03")), true},
    {"3 after -1e300", BYTES(ASK(FIELD, GREATER, N, "\x91" REAL_MINUS_1E300)), BYTES(OF("\x03")), true},
    {"3 and no number", BYTES(ASK(FIELD, LESS_EQUAL, N, "\x91" NOT_A_NUMBER)), BYTES(OF("\x03")), false},
    {"no number and 3", BYTES(ASK(FIELD, GREATER_EQUAL, N, "\x91\x03")), BYTES(OF(NOT_A_NUMBER)), false},
    {"2.5 before 3", BYTES(ASK(FIELD, LESS, N, "\x91\x03")), BYTES(OF(REAL_2_5)), true},
    {"2.5 after 2", BYTES(ASK(FIELD, GREATER, N, "\x91\x02")), BYTES(OF(REAL_2_5)), true},
    {"3.0 is 3", BYTES(ASK(FIELD, IN, N, "\x91\x03")), BYTES(OF(REAL_3)), true},
    {"2.5 before 3.0", BYTES(ASK(FIELD, LESS, N, "\x91" REAL_3)), BYTES(OF(REAL_2_5)), true},
    {"3.0 after 2.5", BYTES(ASK(FIELD, GREATER, N, "\x91" REAL_2_5)), BYTES(OF(REAL_3)), true},
    {"3.0 is 3.0", BYTES(ASK(FIELD, IN, N, "\x91" REAL_3)), BYTES(OF(REAL_3)), true},
    {"no number is itself", BYTES(ASK(FIELD, IN, N, "\x91" NOT_A_NUMBER)), BYTES(OF(NOT_A_NUMBER)), false},
    {"a text and a number", BYTES(ASK(FIELD, LESS, N, "\x91\x05")), BYTES(OF("\xa1" "3")), false},
    {"a number and a text", BYTES(ASK(FIELD, LESS, N, "\x91\xa1" "3")), BYTES(OF("\x05")), false},
    {"texts in order", BYTES(ASK(FIELD, LESS, N, "\x91\xa1" "b")), BYTES(OF("\xa1" "a")), true},
    {"the shorter first", BYTES(ASK(FIELD, LESS, N, "\x91\xa2" "ab")), BYTES(OF("\xa1" "a")), true},
    {"the longer last", BYTES(ASK(FIELD, GREATER, N, "\x91\xa1" "a")), BYTES(OF("\xa2" "ab")), true},
};

/* One byte less of a program is none; and these are none either. */
static const struct {
    const char *what;
    struct bytes program;
} wrong[] = {
    {"empty", BYTES("")},
    {"no list", BYTES("\x05")},
    {"no tests", BYTES("\x90")},
    {"a test that is no list", BYTES("\x91\x05")},
    {"a test of too few parts", BYTES("\x91\x95\x00\x00" N "\x90" TAKE)},
    {"bytes behind it", BYTES(ASK(FIELD, HAS, N, NONE) "\x00")},
    {"no such thing", BYTES(ASK("\x0d", HAS, N, NONE))},
    {"a negative thing", BYTES(ASK("\xff", HAS, N, NONE))},
    {"a thing that is a text", BYTES(ASK("\xa1" "a", HAS, N, NONE))},
    {"no such operation", BYTES(ASK(FIELD, "\x07", N, NONE))},
    {"a name that is a number", BYTES(ASK(FIELD, HAS, "\x05", NONE))},
    {"operands that are no list", BYTES(ASK(FIELD, HAS, N, "\x05"))},
    {"operands where there is none", BYTES(ASK(FIELD, HAS, N, "\x91\x05"))},
    {"no operand where there is one", BYTES(ASK(FIELD, LESS, N, "\x90"))},
    {"an operand that is a list", BYTES(ASK(FIELD, IN, N, "\x91\x90"))},
    {"an operand that is a map", BYTES(ASK(FIELD, IN, N, "\x91\x80"))},
    {"an order beside nil", BYTES(ASK(FIELD, LESS, N, "\x91\xc0"))},
    {"a part that is a number", BYTES(ASK(FIELD, LIKE, N, "\x91\x05"))},
    {"a part that is empty", BYTES(ASK(FIELD, LIKE, N, "\x91\xa0"))},
    {"goes on at itself", BYTES("\x91\x96\x00\x00" N "\x90\x00" DROP)},
    {"goes on behind the last", BYTES("\x91\x96\x00\x00" N "\x90\x01" DROP)},
    {"otherwise at itself", BYTES("\x91\x96\x00\x00" N "\x90" TAKE "\x00")},
    {"otherwise behind the last", BYTES("\x91\x96\x00\x00" N "\x90" TAKE "\x01")},
    {"goes on at a text", BYTES("\x91\x96\x00\x00" N "\x90\xa1" "a" DROP)},
};

static void declined(const char *what, const struct bytes *program, size_t n)
{
    int rc = 0;
    struct mpl_condition *made = mpl_condition_new(program->at, n, &rc);
    if (made || rc != MPL_E_ARG)
        fprintf(stderr, "%s, %zu bytes: %d\n", what, n, rc);
    CHECK(!made && rc == MPL_E_ARG);
}

static void holds(const struct row *row)
{
    const struct mpl_origin from = {.name = "web", .name_len = 3, .pid = 7};
    int rc;
    struct mpl_condition *made = mpl_condition_new(row->program.at, row->program.n, &rc);
    CHECK(made != NULL);
    const bool passes = mpl_condition_holds(made, &from, 20, row->event.at, row->event.n);
    if (passes != row->passes)
        fprintf(stderr, "%s\n", row->what);
    CHECK_EQ(passes, row->passes);
    free(made);
    for (size_t n = 0; n < row->program.n; n++)
        declined(row->what, &row->program, n);
}

/* "a.a. ... .a", of `parts`, in maps within maps: found up to the bound. */
static bool found_at(unsigned parts)
{
    char program[128] = "\x91\x96\x00\x00", event[512] = "\x93\xa1s\xa1t";
    size_t n = 4, at = 5;
    program[n++] = '\xd9', program[n++] = (char)(2 * parts - 1);
    for (unsigned i = 0; i < parts; i++) {
        program[n++] = 'a', program[n++] = '.';
        memcpy(event + at, "\x81\xa1" "a", 3);
        at += 3;
    }
    memcpy(program + n - 1, "\x90" TAKE DROP, 5);
    event[at++] = 5;
    int rc;
    struct mpl_condition *made = mpl_condition_new(program, n + 4, &rc);
    CHECK(made != NULL);
    const bool found = mpl_condition_holds(made, &(struct mpl_origin){0}, 20, event, at);
    free(made);
    return found;
}

static int test(const char *dir)
{
    (void)dir;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        holds(&rows[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        declined(wrong[i].what, &wrong[i].program, wrong[i].program.n);
    const struct bytes two = BYTES("\x92\x96\x00\x00" N "\x90\x01" DROP "\x96\x00\x01" N "\x91\x05" TAKE DROP);
    int rc;
    struct mpl_condition *made = mpl_condition_new(two.at, two.n, &rc); /* from one test to the next */
    CHECK(made != NULL);
    free(made);
    CHECK(found_at(1) && found_at(16) && !found_at(17));
    static struct mpl_reader r;
    CHECK_EQ(mpl_condition_set(&r, MPL_MAX_SINKS, two.at, two.n), MPL_E_ARG);
    CHECK_EQ(mpl_condition_set(&r, 0, two.at, two.n - 1), MPL_E_ARG);
    CHECK(!r.conditions[0]);
    return 0;
}
