/* SPDX-License-Identifier: Apache-2.0
 *
 * Any program beside any payload: a length, the program, the payload. A program that is taken ends, and says the same of the same bytes elsewhere; each stands
 * in memory of exactly its length. */
#include <stdlib.h>
#include <string.h>

#include "format/format.h"
#include "mpl.h"

#define EXPECT(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *exactly(const uint8_t *data, size_t n)
{
    void *copy = malloc(n ? n : 1);
    EXPECT(copy != NULL);
    memcpy(copy, data, n);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mpl_origin from = {.name = "web", .name_len = 3, .pid = 7};
    int rc;
    if (size < 2)
        return 0;
    const size_t wanted = (size_t)data[0] << 8 | data[1], len = wanted < size - 2 ? wanted : size - 2;
    void *program = exactly(data + 2, len), *payload = exactly(data + 2 + len, size - 2 - len);
    struct mpl_condition *made = mpl_condition_new(program, len, &rc);
    free(program);
    EXPECT((made != NULL) == (rc == 0));
    if (made) {
        const bool first = mpl_condition_holds(made, &from, data[1], payload, size - 2 - len);
        EXPECT(first == mpl_condition_holds(made, &from, data[1], data + 2 + len, size - 2 - len));
    }
    free(made);
    free(payload);
    return 0;
}
