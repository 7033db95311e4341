/* SPDX-License-Identifier: Apache-2.0
 *
 * What surrounds a log call: its place in the code, its thread, its task, its context; each encoded once and kept while it is the same. The caller holds
 * the GIL. After a fork what is kept is still true, but for the thread's number. */
#ifndef MPLOG_AROUND_H
#define MPLOG_AROUND_H

#include "pack.h"

/* As mplog_pack_value: false when there is no room, or when the event must go through Python. */
bool mplog_pack_place(struct mplog_pack *p);   /* file, line, function of the Python code that runs; empty where none does */
bool mplog_pack_thread(struct mplog_pack *p);  /* number, name */
bool mplog_pack_task(struct mplog_pack *p);    /* name or nil; may run code of an event loop that is not asyncio's own */
bool mplog_pack_context(struct mplog_pack *p); /* map or nil: what the enrichers say, and the context over it */

struct mplog_hooks {
    PyObject *thread_of; /* () -> (thread, whether this thread is always that one) */
    PyObject *task_of;   /* () -> name or None */
    PyObject *context;   /* ContextVar of a dict that is never changed, or None */
};
int mplog_around_init(const struct mplog_hooks *hooks);
PyObject *mplog_f_set_enriched(PyObject *module, PyObject *ask);
PyObject *mplog_f_enriched(PyObject *module, PyObject *unused);

#endif
