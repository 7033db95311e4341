/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

/* RESERVED of mplog/format/flat.py by their lengths; a test holds the two together. */
#define LONGEST_RESERVED 20u
static const char *const reserved[LONGEST_RESERVED + 1][7] = {
    [3] = {"cut", "seq"},
    [4] = {"late", "last", "what"},
    [5] = {"level", "stack", "clean", "first", "count", "bytes"},
    [6] = {"logger", "offset"},
    [7] = {"message", "session", "dropped", "reasons"},
    [8] = {"template", "filtered"},
    [9] = {"timestamp", "thread.id", "task_name", "recovered", "delivered"},
    [10] = {"event_name", "unreadable", "lost.since", "lost.until"},
    [11] = {"thread.name", "process.pid"},
    [12] = {"process.name"},
    [14] = {"exception.type", "code.file.path"},
    [15] = {"unreadable.head"},
    [16] = {"code.line.number", "unreadable.bytes"},
    [17] = {"exception.message"},
    [18] = {"code.function.name"},
    [20] = {"exception.stacktrace"},
};

bool mpl_is_reserved(const struct mpl_msg *key)
{
    if (key->length > LONGEST_RESERVED)
        return false;
    for (const char *const *name = reserved[key->length]; *name; name++)
        if ((char)key->text[0] == (*name)[0] && memcmp(key->text, *name, key->length) == 0)
            return true;
    return false;
}
