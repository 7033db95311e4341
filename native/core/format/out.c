/* SPDX-License-Identifier: Apache-2.0 */
#include "out.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "utf8.h"
#include "word.h"

/* Not 0 when one of eight bytes is a control, DEL, not ASCII, or to be escaped. */
static inline uint64_t special(uint64_t w) { return mpl_has_odd(w) | mpl_has(w, '"') | mpl_has(w, '\\'); }

static const char hex[] = "0123456789abcdef";

static bool put_unicode(struct mpl_out *o, unsigned code)
{
    const char text[6] = {'\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};
    return mpl_put(o, text, sizeof text);
}

static bool put_ascii(struct mpl_out *o, uint8_t byte)
{
    const char plain = (char)byte;
    switch (byte) {
    case '"': return MPL_PUT(o, "\\\"");
    case '\\': return MPL_PUT(o, "\\\\");
    case '\b': return MPL_PUT(o, "\\b");
    case '\f': return MPL_PUT(o, "\\f");
    case '\n': return MPL_PUT(o, "\\n");
    case '\r': return MPL_PUT(o, "\\r");
    case '\t': return MPL_PUT(o, "\\t");
    default: return byte < 0x20 || byte == 0x7f ? put_unicode(o, byte) : mpl_put(o, &plain, 1);
    }
}

/* Beyond ASCII: C1 controls (NEL among them), line and paragraph separator, what turns text around. */
static bool unsafe(unsigned code)
{
    return code <= 0x9f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* At least `few` bytes of the text, or all of it, one by one. Returns how many; 0: see mpl_put_text. */
static size_t put_slowly(struct mpl_out *o, const uint8_t *s, size_t left, size_t few)
{
    size_t done = 0;
    while (done < left && done < few) {
        unsigned code = 0;
        size_t n = 1;
        if (s[done] < 0x80) {
            if (!put_ascii(o, s[done]))
                return 0;
        } else {
            n = mpl_sequence(s + done, left - done, &code);
            if (!n || !(unsafe(code) ? put_unicode(o, code) : mpl_put(o, (const char *)s + done, n)))
                return 0;
        }
        done += n;
    }
    return done;
}

/* How many bytes of a word in memory stand before the first that is marked; any number that is not above it will do. */
static inline size_t before(uint64_t marks)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(marks) / 8;
#else
    return marks ? 0 : 8;
#endif
}

/* One word of text to where it goes: of what stands at its beginning, how much is plain. */
static inline size_t copy_word(char *out, const uint8_t *s)
{
    uint64_t word, marks;
    memcpy(&word, s, 8);
    memcpy(out, &word, 8);
    return (marks = special(word)) ? before(marks) : 8;
}

/* Fewer than eight bytes, of which the two halves overlap: nothing beyond them is read or written. */
static inline size_t copy_few(char *out, const uint8_t *s, size_t n)
{
    if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, s, 4);
        memcpy(&high, s + n - 4, 4);
        memcpy(out, &low, 4);
        memcpy(out + n - 4, &high, 4);
        return special((uint64_t)high << 32 | low) ? 0 : n;
    }
    uint64_t word = MPL_EACH('a');
    for (size_t i = 0; i < n; i++) {
        out[i] = (char)s[i];
        word = word << 8 | s[i];
    }
    return special(word) ? 0 : n;
}

#if defined __SSE2__
#include <emmintrin.h>

/* The same of sixteen bytes. */
static inline size_t copy_block(char *out, const uint8_t *s)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)s);
    _mm_storeu_si128((__m128i *)(void *)out, v);
    const __m128i odd = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f))); /* from 0x80 on they are below zero */
    const __m128i escaped = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    const unsigned marks = (unsigned)_mm_movemask_epi8(_mm_or_si128(odd, escaped));
    return marks ? (size_t)__builtin_ctz(marks) : 16;
}
#else
static inline size_t copy_block(char *out, const uint8_t *s)
{
    const size_t low = copy_word(out, s);
    return low < 8 ? low : 8 + copy_word(out + 8, s + 8);
}
#endif

/* Copies n bytes, for which there is room, as long as they are plain; returns how many are sure to be. The last ones are taken again with some before them. */
static size_t copy_plain(char *out, const uint8_t *s, size_t n)
{
    size_t done = 0, plain;
    if (n < 8)
        return copy_few(out, s, n);
    if (n < 16) {
        plain = copy_word(out, s);
        return plain < 8 ? plain : n - 8 + copy_word(out + n - 8, s + n - 8);
    }
    for (; n - done >= 16; done += 16)
        if ((plain = copy_block(out + done, s + done)) < 16)
            return done + plain;
    return n == done ? n : n - 16 + copy_block(out + n - 16, s + n - 16);
}

bool mpl_put_text(struct mpl_out *o, const uint8_t *text, size_t n)
{
    while (n) {
        const bool roomy = (size_t)(o->end - o->at) >= n;
        size_t done = roomy ? copy_plain(o->at, text, n) : 0;
        o->at += done;
        text += done;
        n -= done;
        if (n) {
            done = put_slowly(o, text, n, roomy ? 8 : n);
            if (!done)
                return false;
            text += done;
            n -= done;
        }
    }
    return true;
}

bool mpl_put_quoted(struct mpl_out *o, const uint8_t *text, size_t n, char after)
{
    const char end[2] = {'"', after};
    if ((size_t)(o->end - o->at) > n + sizeof end && copy_plain(o->at + 1, text, n) == n) {
        *o->at = '"';
        memcpy(o->at + 1 + n, end, sizeof end);
        o->at += n + 1 + sizeof end;
        return true;
    }
    return MPL_PUT(o, "\"") && mpl_put_text(o, text, n) && mpl_put(o, end, sizeof end);
}

const char mpl_pairs[201] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                            "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

size_t mpl_uint_text(char out[MPL_NUMBER_CHARS], uint64_t number)
{
    char back[2 * MPL_NUMBER_CHARS], *const end = back + MPL_NUMBER_CHARS, *at = end;
    memset(end, 0, MPL_NUMBER_CHARS);
    while (number >= 100) {
        at -= 2;
        memcpy(at, mpl_pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(at, mpl_pairs + 2 * number, 2);
    } else {
        *--at = (char)('0' + number);
    }
    memcpy(out, at, MPL_NUMBER_CHARS); /* always as many: a copy that is no call */
    return (size_t)(end - at);
}

size_t mpl_int_text(char out[MPL_NUMBER_CHARS], uint64_t number, bool negative)
{
    if (!negative)
        return mpl_uint_text(out, number);
    char text[MPL_NUMBER_CHARS];
    size_t n = mpl_uint_text(text, 0 - number);
    out[0] = '-';
    memcpy(out + 1, text, MPL_NUMBER_CHARS - 1);
    return n + 1;
}

/* ---- floats ---------------------------------------------------------------------------------------------------------- */
static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};

/* digits (without zeros at the end that are decimals) with the last `decimals` of them behind the point, which are 20 at most. */
static size_t positional(char *out, uint64_t digits, unsigned decimals)
{
    char text[MPL_NUMBER_CHARS];
    size_t n = mpl_uint_text(text, digits), at = 0, whole = n > decimals ? n - decimals : 0;
    if (whole)
        memcpy(out, text, whole);
    else
        out[0] = '0';
    at = whole ? whole : 1;
    out[at++] = '.';
    if (!decimals)
        out[at++] = '0';
    for (size_t zeros = n < decimals ? decimals - n : 0; zeros; zeros--)
        out[at++] = '0';
    memcpy(out + at, text + whole, n - whole);
    return at + (n - whole);
}

/* The shortest text of `real`, 1e-4 at least, where it has at most 15 digits: digits / 10^k is one correctly rounded division of two exact doubles, and two decimals of
 * so few digits never share a double, so the one found is the shortest there is. */
static size_t few_digits(char *out, double real)
{
    for (unsigned k = 0; real * tens[k] < 1e15; k++) { /* not so with the last of them */
        uint64_t digits = (uint64_t)(real * tens[k] + 0.5);
        if ((double)digits / tens[k] == real)
            return positional(out, digits, k);
    }
    return 0;
}

/* 16 or 17 digits, of which the last is no zero behind the point, or it had fewer: the nearest decimal of so many digits that reads back as `real`, as any
 * does with 17. A power of two has a rounding interval with unequal halves, in which the shortest need not be the nearest: those are left to others. */
static size_t many_digits(char *out, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    if (bits << 12 == 0)
        return 0;
    char text[40];
    int precision = 15;
    snprintf(text, sizeof text, "%.*e", precision, real);
    if (text[1] != '.')
        return 0; /* a locale with another decimal sign */
    if (strtod(text, NULL) != real)
        snprintf(text, sizeof text, "%.*e", ++precision, real);
    uint64_t digits = (uint64_t)(text[0] - '0');
    for (int i = 0; i < precision; i++)
        digits = digits * 10 + (uint64_t)(text[2 + i] - '0');
    return positional(out, digits, (unsigned)(precision - atoi(text + precision + 3)));
}

size_t mpl_real_text(char out[MPL_NUMBER_CHARS], double real)
{
    size_t sign = signbit(real) ? 1 : 0, n;
    double size = fabs(real);
    out[0] = '-';
    if (size == 0) {
        memcpy(out + sign, "0.0", 3);
        return sign + 3;
    }
    if (FLT_EVAL_METHOD != 0 || !(size >= 1e-4 && size < 1e16))
        return 0;
    n = few_digits(out + sign, size);
    if (!n)
        n = many_digits(out + sign, size);
    return n ? sign + n : 0;
}
