/* SPDX-License-Identifier: Apache-2.0 */
#include "stamp.h"

#include "out.h"

#define BILLION UINT64_C(1000000000)

static void two_digits(char *out, uint64_t number)
{
    out[0] = (char)('0' + number / 10 % 10);
    out[1] = (char)('0' + number % 10);
}

/* `2026-11-22T08:00:00`; 64 bits of nanoseconds end in 2554. Days are counted from 0000-03-01, so that a leap day is the last one of its year. */
static void second_text(char out[24], uint64_t second)
{
    uint64_t days = second / 86400 + 719468, rest = second % 86400;
    uint64_t era = days / 146097, of_era = days % 146097;
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t from_march = (5 * of_year + 2) / 153;
    uint64_t month = from_march < 10 ? from_march + 3 : from_march - 9, year = year_of_era + era * 400 + (month <= 2);
    memcpy(out, "0000-00-00T00:00:00", 19);
    two_digits(out, year / 100);
    two_digits(out + 2, year);
    two_digits(out + 5, month);
    two_digits(out + 8, of_year - (153 * from_march + 2) / 5 + 1);
    two_digits(out + 11, rest / 3600);
    two_digits(out + 14, rest / 60 % 60);
    two_digits(out + 17, rest % 60);
}

void mpl_time_text(char out[MPL_TIME_CHARS], struct mpl_second *last, uint64_t wall_ns)
{
    uint64_t second = wall_ns / BILLION, rest = wall_ns % BILLION;
    if (second != last->second || !last->text[0]) {
        second_text(last->text, second);
        last->second = second;
    }
    memcpy(out, last->text, 19);
    out[19] = '.';
    out[20] = (char)('0' + rest / 100000000);
    for (uint32_t i = 0, left = (uint32_t)(rest % 100000000), scale = 1000000; i < 4; i++, left %= scale, scale /= 100)
        memcpy(out + 21 + 2 * i, mpl_pairs + 2 * (left / scale), 2);
    out[29] = 'Z';
}

static size_t named(char *out, const char *name, size_t n)
{
    memcpy(out, name, n);
    return n;
}
#define NAMED(out, name) named((out), (name), sizeof(name) - 1)

size_t mpl_level_text(char out[MPL_LEVEL_CHARS], uint8_t level)
{
    char number[MPL_NUMBER_CHARS];
    size_t n;
    switch (level) {
    case 5: return NAMED(out, "TRACE");
    case 10: return NAMED(out, "DEBUG");
    case 20: return NAMED(out, "INFO");
    case 25: return NAMED(out, "SUCCESS");
    case 30: return NAMED(out, "WARNING");
    case 40: return NAMED(out, "ERROR");
    case 50: return NAMED(out, "CRITICAL");
    default: break;
    }
    memcpy(out, "LEVEL ", 6);
    n = mpl_uint_text(number, level);
    memcpy(out + 6, number, n);
    return 6 + n;
}
