/* SPDX-License-Identifier: Apache-2.0 */
#include "patterns.h"

#include <string.h>

#include "format/utf8.h"
#include "mpl.h"

#define MAX_NAME 64u   /* of a word before `=` or `:` */
#define MAX_ITEM 64u   /* from a bracket to the first quote in it */
#define MAX_PARAMETER 2048u /* in quotes, of a header */
#define MAX_BLANKS 8u
#define MAX_CARD_DIGITS 19u

struct text {
    const uint8_t *s;
    size_t n;
};

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }
static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool is_letter(uint8_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
static bool is_quote(uint8_t c) { return c == '"' || c == '\''; }
static bool is_word(uint8_t c) { return is_letter(c) || is_digit(c) || c == '_'; }
static bool is_name(uint8_t c) { return is_word(c) || c == '-' || c == '.'; }
static bool is_token(uint8_t c) { return is_name(c) || c == '~' || c == '+' || c == '/' || c == '='; }

/* Whether the text has that word of small letters there, in any case, and not as the beginning of a longer one. */
static bool says(struct text t, size_t at, const char *word)
{
    const size_t length = strlen(word);
    if (t.n - at < length || (t.n - at > length && is_word(t.s[at + length])))
        return false;
    for (size_t i = 0; i < length; i++)
        if ((t.s[at + i] | 0x20) != (uint8_t)word[i])
            return false;
    return true;
}

static bool says_any(struct text t, size_t at, const char *const *words)
{
    for (; *words; words++)
        if (says(t, at, *words))
            return true;
    return false;
}

/* Whether the text was cut off there, as an event's texts are that is too large. */
static bool is_cut(struct text t, size_t at)
{
    static const char more[] = "…";
    return t.n - at == sizeof more - 1 && memcmp(t.s + at, more, sizeof more - 1) == 0;
}

/* ---- key=value, key: value ---------------------------------------------------------------------------------------------- */
static size_t blanks(struct text t, size_t at)
{
    for (unsigned i = 0; i < MAX_BLANKS && at < t.n && is_blank(t.s[at]); i++)
        at++;
    return at;
}

/* The word before the sign at `sign`: password=, "password": , \"password\": , headers["password"] = */
static struct mpl_secret name_before(struct text t, size_t sign)
{
    size_t end = sign;
    for (unsigned i = 0; i < MAX_BLANKS && end && is_blank(t.s[end - 1]); i++)
        end--;
    end -= end && t.s[end - 1] == ']';
    if (end && is_quote(t.s[end - 1]))
        for (end--; end && t.s[end - 1] == '\\'; end--)
            ;
    size_t from = end;
    while (from && end - from < MAX_NAME && is_name(t.s[from - 1]))
        from--;
    return (struct mpl_secret){from, end};
}

/* How many bytes a character of a value has that stands in no quotes; 0: it ends there. */
static size_t bare(struct text t, size_t at)
{
    unsigned code;
    const uint8_t c = t.s[at];
    if (c >= 0x80)
        return mpl_sequence(t.s + at, t.n - at, &code);
    return c > ' ' && c != 0x7f && !strchr("&,;)]}<>|\"'\\", c);
}

static bool opens(uint8_t c) { return c == '{' || c == '[' || c == '('; }
static bool closes(uint8_t c) { return c == '}' || c == ']' || c == ')'; }

static size_t escapes(struct text t, size_t at)
{
    size_t n = 0;
    while (at + n < t.n && t.s[at + n] == '\\')
        n++;
    return n;
}

/* Behind an opening quote that so many backslashes have escaped: where the same one closes it. One that more of them escape stands within. */
static size_t quoted_end(struct text t, size_t at, uint8_t quote, size_t escaped)
{
    size_t run = 0;
    for (size_t i = at; i < t.n; i++) {
        if (t.s[i] == quote && run <= escaped)
            return i - run;
        run = t.s[i] == '\\' ? run + 1 : 0;
    }
    return t.n;
}

/* Behind the bracket that closes the one at `at`; the text's end where it was cut off. */
static size_t nested_end(struct text t, size_t at)
{
    size_t open = 0;
    uint8_t quote = 0;
    for (size_t i = at; i < t.n; i++) {
        const uint8_t c = t.s[i];
        if (c == '\\')
            i++;
        else if (quote)
            quote = c == quote ? 0 : quote;
        else if (is_quote(c))
            quote = c;
        else if (opens(c))
            open++;
        else if (closes(c) && --open == 0)
            return i + 1;
    }
    return t.n;
}

/* A list or a map with texts in it, as JSON and `repr` write them: {"a": …, [{'a': …, [1, "…, (b'…; brackets in which no quote follows are none. */
static bool is_nested(struct text t, size_t at)
{
    size_t i = at, open = 0;
    while (i < t.n && (opens(t.s[i]) || is_blank(t.s[i]) || t.s[i] == '\n' || t.s[i] == '\r'))
        open += opens(t.s[i++]);
    for (const size_t end = t.n - i > MAX_ITEM ? i + MAX_ITEM : t.n; open && i < end && !is_quote(t.s[i]); i++)
        open += (size_t)opens(t.s[i]) - (size_t)closes(t.s[i]);
    return open && opens(t.s[at]) && i < t.n && is_quote(t.s[i]);
}

/* Where a value ends that stands in no quotes. Brackets in it are closed before it ends, with the texts in them: Secret('…'). */
static size_t bare_end(struct text t, size_t at)
{
    const bool angle = t.s[at] == '<';
    size_t end = at + angle, open = 0, first = 0, step;
    for (; end < t.n; end += step) {
        const uint8_t c = t.s[end];
        step = 1;
        if (opens(c) && !open++)
            first = end;
        else if (closes(c) && open)
            open--;
        else if (!opens(c) && !(step = bare(t, end)))
            break;
    }
    if (open && end < t.n && (is_quote(t.s[end]) || t.s[end] == '\\'))
        return nested_end(t, first);
    return angle && end < t.n && t.s[end] == '>' ? end + 1 : end;
}

/* Up to the end of the line, or of the text in quotes that the whole stands in, which may have begun before the name. What a `=` in it has in quotes does
 * not end it: username="…", response="…" */
static size_t line_end(struct text t, struct mpl_secret name, size_t at)
{
    const uint8_t around = name.from ? t.s[name.from - 1] : 0;
    size_t i = at, depth = 0;
    while (name.from > depth + 1 && t.s[name.from - 2 - depth] == '\\')
        depth++;
    while (i < t.n && t.s[i] != '\n' && t.s[i] != '\r') {
        const size_t run = escapes(t, i), quote = i + run;
        if (quote < t.n && is_quote(t.s[quote])) {
            const struct text near = {t.s, t.n - quote > MAX_PARAMETER ? quote + MAX_PARAMETER : t.n};
            const size_t end = quoted_end(near, quote + 1, t.s[quote], run);
            if (i == at || t.s[i - 1] != '=' || (t.s[quote] == around && run == depth) || end == near.n || memchr(t.s + quote, '\n', end - quote))
                return i;
            i = end + escapes(t, end) + 1;
        } else {
            i += run ? run : 1;
        }
    }
    return i;
}

/* A scheme that is followed by what belongs to it, rather than by the next key and its value. */
static bool is_scheme(struct text t, size_t at)
{
    size_t end = at;
    while (end < t.n && is_name(t.s[end]))
        end++;
    const size_t word = blanks(t, end);
    if (end == at || word == end || word == t.n || !is_token(t.s[word]))
        return false;
    for (end = word; end < t.n && is_name(t.s[end]);)
        end++;
    return end == t.n || t.s[end] != '=' || end + 1 == t.n || !is_name(t.s[end + 1]);
}

/* Behind the last line of a key, as PEM has it; the text's end where it was cut off. */
static size_t key_end(struct text t, size_t at)
{
    static const char last[] = "-----END", dashes[] = "-----";
    const uint8_t *end = memmem(t.s + at, t.n - at, last, sizeof last - 1);
    if (end)
        end = memmem(end + sizeof last - 1, t.n - (size_t)(end - t.s) - (sizeof last - 1), dashes, sizeof dashes - 1);
    return end ? (size_t)(end - t.s) + sizeof dashes - 1 : t.n;
}

static bool ends_with(struct text t, struct mpl_secret name, const char *word)
{
    const size_t n = strlen(word);
    return name.to - name.from >= n && says(t, name.to - n, word);
}

/* A value that says nothing, or is hidden already. */
static bool is_harmless(struct text t, struct mpl_secret value)
{
    static const char *const words[] = {"none", "null", "nil", "true", "false", NULL};
    const size_t n = value.to - value.from;
    if (value.to <= value.from || (n == sizeof MPL_REDACTED - 1 && memcmp(t.s + value.from, MPL_REDACTED, n) == 0))
        return true;
    for (const char *const *word = words; *word; word++)
        if (n == strlen(*word) && says((struct text){t.s, value.to}, value.from, *word))
            return true;
    return false;
}

static struct mpl_secret value_at(struct text t, struct mpl_secret name, size_t sign, size_t at)
{
    static const char *const schemes[] = {"basic", "bearer", "digest", "negotiate", "ntlm", "token", "apikey", "hmac", "oauth", "signature", "aws4-hmac-sha256",
        NULL};
    static const char pem[] = "-----BEGIN ";
    size_t quote = at;
    while (quote < t.n && quote - at < 2 && is_letter(t.s[quote]))
        quote++; /* b'…', rb'…' */
    const size_t escaped = escapes(t, quote);
    quote += escaped;
    if (quote < t.n && is_quote(t.s[quote])) {
        if (!escaped && t.n - quote > 2 && t.s[quote + 1] == t.s[quote] && t.s[quote + 2] == t.s[quote])
            quote += 2; /* three of them */
        return (struct mpl_secret){quote + 1, quoted_end(t, quote + 1, t.s[quote], escaped)};
    }
    if (at >= t.n)
        return (struct mpl_secret){at, at};
    if (t.n - at >= sizeof pem - 1 && memcmp(t.s + at, pem, sizeof pem - 1) == 0)
        return (struct mpl_secret){at, key_end(t, at)};
    if (ends_with(t, name, "cookie") || (ends_with(t, name, "authorization") && (says_any(t, at, schemes) || (t.s[sign] == ':' && is_scheme(t, at)))))
        return (struct mpl_secret){at, line_end(t, name, at)};
    return (struct mpl_secret){at, is_nested(t, at) ? nested_end(t, at) : bare_end(t, at)};
}

static bool keyed(const struct mpl_redaction *names, struct text t, size_t sign, struct mpl_secret *out)
{
    const struct mpl_secret name = name_before(t, sign);
    if (name.to == name.from || !mpl_redacts(names, (const char *)t.s + name.from, name.to - name.from))
        return false;
    size_t at = sign + 1;
    for (unsigned i = 0; i < 2 && at < t.n && (t.s[at] == '=' || t.s[at] == '>'); i++)
        at++; /* ==, => */
    *out = value_at(t, name, sign, blanks(t, at));
    return !is_harmless(t, *out);
}

/* ---- scheme://user:password@ -------------------------------------------------------------------------------------------- */
static bool in_url(struct text t, size_t colon, size_t *no_at, struct mpl_secret *out)
{
    size_t at = colon + 3, user_end = 0, host = 0;
    if (colon < *no_at || t.n - colon < 4 || t.s[colon + 1] != '/' || t.s[colon + 2] != '/')
        return false;
    bool port = true; /* so far what follows the colon could be one */
    for (; at < t.n; at++) {
        const uint8_t c = t.s[at];
        if (c <= ' ' || is_quote(c) || c == '<' || c == '>' || c == '\\' || is_cut(t, at))
            break;
        if ((c == '/' || c == '?' || c == '#') && (!user_end || port))
            return false; /* a password that should have been encoded may hold them */
        if (c == ':' && !user_end)
            user_end = at;
        else if (c == '@')
            host = at;
        else if (user_end)
            port &= is_digit(c);
    }
    if (host <= user_end) {
        *no_at = at; /* so a long text is not looked through again from each :// in it */
        if (port || t.s[colon + 3] == '[' || !is_cut(t, at))
            return false;
        host = at; /* the `@` may have been cut off */
    }
    *out = (struct mpl_secret){user_end + 1, host};
    return user_end && !is_harmless(t, *out);
}

/* ---- Bearer … ----------------------------------------------------------------------------------------------------------- */
/* `Bearer` is the scheme's name, whatever follows; as a word of a sentence it is followed by no token. */
static bool bearer(struct text t, size_t at, struct mpl_secret *out)
{
    static const char *const prose[] = {"token", "tokens", "auth", "authentication", "authorization", NULL};
    if (!says(t, at, "bearer") || (at && is_word(t.s[at - 1])))
        return false;
    size_t from = blanks(t, at + 6), end = from;
    bool odd = t.s[at] == 'B';
    for (; end < t.n && is_token(t.s[end]); end++)
        odd |= !is_letter(t.s[end]);
    *out = (struct mpl_secret){from, end};
    return from > at + 6 && end > from && (odd || end - from >= 16) && !says_any(t, from, prose);
}

/* ---- card numbers ------------------------------------------------------------------------------------------------------- */
struct digits {
    unsigned count, value[MAX_CARD_DIGITS];
};

/* Whether numbers of that length begin so: the issuers' ranges. */
static bool issued(const struct digits *d)
{
    const unsigned two = d->value[0] * 10 + d->value[1], four = two * 100 + d->value[2] * 10 + d->value[3], n = d->count;
    switch (d->value[0]) {
    case 2: return n == 16 && four >= 2221 && four <= 2720;
    case 3: return two == 34 || two == 37 ? n == 15 : two == 35 ? n >= 16 : (two == 30 || two == 36 || two >= 38) && n >= 14;
    case 4: return n == 13 || n == 16 || n == 19;
    case 5: return two >= 51 && two <= 55 ? n == 16 : two != 59;
    case 6: return true;
    default: return false;
    }
}

static bool is_card(const struct digits *d)
{
    unsigned sum = 0;
    if (d->count < MPL_CARD_DIGITS || !issued(d))
        return false;
    for (unsigned i = 0; i < d->count; i++) {
        const unsigned v = d->value[d->count - 1 - i] << (i & 1);
        sum += v > 9 ? v - 9 : v;
    }
    return sum % 10 == 0;
}

static size_t digits_end(struct text t, size_t at)
{
    while (at < t.n && is_digit(t.s[at]))
        at++;
    return at;
}

/* The next group of digits, behind one blank or dash; the end: there is none. */
static size_t next_group(struct text t, size_t end)
{
    return t.n - end > 1 && (t.s[end] == ' ' || t.s[end] == '-') && is_digit(t.s[end + 1]) ? end + 1 : t.n;
}

/* Whether a number ends there: not in a word, nor in a decimal. */
static bool ends_there(struct text t, size_t end)
{
    return end == t.n || !(is_word(t.s[end]) || (t.s[end] == '.' && end + 1 < t.n && is_digit(t.s[end + 1])));
}

/* A card number that begins with the group at `at`: all in one, or in groups of three to six digits. */
static bool card_from(struct text t, size_t at, struct mpl_secret *out)
{
    struct digits d = {0};
    for (size_t group = at; group < t.n;) {
        const size_t end = digits_end(t, group), n = end - group;
        if (d.count + n > MAX_CARD_DIGITS || (d.count && (n < 3 || n > 6)))
            return false;
        for (size_t i = group; i < end; i++)
            d.value[d.count++] = t.s[i] - (unsigned)'0';
        *out = (struct mpl_secret){at, end};
        if (ends_there(t, end) && is_card(&d))
            return true;
        if (group == at && (n < 3 || n > 6))
            return false;
        group = next_group(t, end);
    }
    return false;
}

/* At a digit that begins a number; *at goes behind all its groups, or behind the card number. */
static bool card(struct text t, size_t *at, struct mpl_secret *out)
{
    const size_t start = *at;
    const bool within = start && (is_word(t.s[start - 1]) || t.s[start - 1] == '.');
    size_t count = 0;
    for (size_t group = start; group < t.n; group = next_group(t, *at)) {
        *at = digits_end(t, group);
        count += *at - group;
        if (!(within && group == start) && card_from(t, group, out)) {
            *at = out->to;
            return true;
        }
    }
    *out = (struct mpl_secret){start, *at};
    return !within && count >= MPL_CARD_DIGITS && count <= MAX_CARD_DIGITS && t.s[start] >= '2' && t.s[start] <= '6' && is_cut(t, *at);
}

/* ---- all of them -------------------------------------------------------------------------------------------------------- */
bool mpl_secret_next(const struct mpl_redaction *names, const uint8_t *text, size_t n, struct mpl_search *search, struct mpl_secret *out)
{
    const struct text t = {text, n};
    for (size_t i = search->at; i < n;) {
        const uint8_t c = text[i];
        bool found = false;
        if (is_digit(c)) {
            found = card(t, &i, out);
        } else {
            found = ((c == '=' || c == ':') && keyed(names, t, i, out)) || (c == ':' && in_url(t, i, &search->no_at, out)) || ((c | 0x20) == 'b' && bearer(t, i, out));
            i++;
        }
        if (found) {
            search->at = out->to;
            return true;
        }
    }
    search->at = n;
    return false;
}

/* ---- the quick look: `=`, `:` (and the two between them), or "be" in any case -------------------------------------------- */
#if defined __SSE2__
#include <emmintrin.h>

#define BLOCK 16u
#define AT_ONCE 2032u /* so that no byte of the counts is full */

static inline __m128i in_range(__m128i v, char last, char count) { return _mm_cmpgt_epi8(_mm_add_epi8(v, _mm_set1_epi8((char)(127 - last))), _mm_set1_epi8((char)(127 - count))); }

static inline __m128i marks(__m128i v, __m128i following)
{
    const __m128i small = _mm_set1_epi8(0x20);
    const __m128i be = _mm_and_si128(_mm_cmpeq_epi8(_mm_or_si128(v, small), _mm_set1_epi8('b')), _mm_cmpeq_epi8(_mm_or_si128(following, small), _mm_set1_epi8('e')));
    return _mm_or_si128(in_range(v, '=', 4), be);
}

static inline __m128i load(const uint8_t *s) { return _mm_loadu_si128((const __m128i *)(const void *)s); }

/* From its place k on: k bytes of ones at the end. */
static const uint8_t last_ones[2 * BLOCK] = {[BLOCK] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

/* From a block to AT_ONCE bytes; one that follows them is looked at where `more` of the text does. */
static inline bool look(const uint8_t *s, size_t n, bool more, unsigned *digits)
{
    __m128i found = _mm_setzero_si128(), counts = found;
    const uint8_t *last = s + n - BLOCK;
    for (; s < last; s += BLOCK) {
        const __m128i v = load(s);
        found = _mm_or_si128(found, marks(v, load(s + 1)));
        counts = _mm_sub_epi8(counts, in_range(v, '9', 10));
    }
    const __m128i v = load(last); /* with some of those before them, which are not counted again */
    found = _mm_or_si128(found, marks(v, more ? load(last + 1) : _mm_srli_si128(v, 1)));
    counts = _mm_sub_epi8(counts, _mm_and_si128(in_range(v, '9', 10), load(last_ones + BLOCK - (s - last))));
    const __m128i sums = _mm_sad_epu8(counts, _mm_setzero_si128());
    *digits += (unsigned)_mm_cvtsi128_si32(sums) + (unsigned)_mm_extract_epi16(sums, 4);
    return _mm_movemask_epi8(found) != 0;
}

static __attribute__((noinline)) bool look_at_other(const uint8_t *s, size_t n, unsigned *digits)
{
    bool may = false;
    if (n < BLOCK) {
        uint8_t few[BLOCK] = {0};
        memcpy(few, s, n);
        return look(few, BLOCK, false, digits);
    }
    for (; n > AT_ONCE + BLOCK; s += AT_ONCE, n -= AT_ONCE)
        may |= look(s, AT_ONCE, true, digits);
    if (n > AT_ONCE) {
        may |= look(s, BLOCK, true, digits);
        s += BLOCK, n -= BLOCK;
    }
    return look(s, n, false, digits) || may;
}

bool mpl_may_hold_secret(const uint8_t *s, size_t n, unsigned *digits)
{
    return n >= BLOCK && n <= AT_ONCE ? look(s, n, false, digits) : look_at_other(s, n, digits);
}
#else
bool mpl_may_hold_secret(const uint8_t *s, size_t n, unsigned *digits)
{
    bool may = false;
    for (size_t i = 0; i < n; i++) {
        *digits += is_digit(s[i]);
        may |= (uint8_t)(s[i] - ':') <= '=' - ':' || ((s[i] | 0x20) == 'b' && i + 1 < n && (s[i + 1] | 0x20) == 'e');
    }
    return may;
}
#endif
