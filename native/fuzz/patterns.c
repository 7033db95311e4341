/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text: secrets come in order, are not empty and end where the text does at the latest; where the quick look finds nothing there is none; and with
 * [redacted] in their places nothing of them is found again in the same place. */
#include <stdlib.h>
#include <string.h>

#include "codec/patterns.h"

#define EXPECT(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mpl_redaction names;
    struct mpl_secret found;
    struct mpl_search search = {0};
    size_t before = 0;
    unsigned digits = 0;
    if (!names.count)
        EXPECT(mpl_redaction_add(&names, "password", 8) == 0 && mpl_redaction_add(&names, "token", 5) == 0 && mpl_redaction_add(&names, "cookie", 6) == 0 &&
               mpl_redaction_add(&names, "authorization", 13) == 0);
    uint8_t *text = malloc(size ? size : 1);
    EXPECT(text != NULL);
    memcpy(text, data, size);
    const bool may = mpl_may_hold_secret(text, size, &digits) || digits >= MPL_CARD_DIGITS;
    unsigned exact = 0;
    for (size_t i = 0; i < size; i++)
        exact += text[i] >= '0' && text[i] <= '9';
    EXPECT(exact == digits);
    while (mpl_secret_next(&names, text, size, &search, &found)) {
        EXPECT(may && found.from >= before && found.from < found.to && found.to <= size && search.at == found.to);
        before = search.at;
    }
    EXPECT(search.at == size);
    free(text);
    return 0;
}
