/* SPDX-License-Identifier: Apache-2.0
 *
 * A LogRecord as an event, straight from its attributes: the bytes that mplog/producer/handler.py makes of it. The caller holds the GIL. */
#ifndef MPLOG_RECORD_H
#define MPLOG_RECORD_H

#include "stdlib.h"

#define MPLOG_PERCENT 1      /* the kind of an event with a `%` template */
#define MPLOG_RECORD_ITEMS 13

/* A message and its arguments, as values that travel. Borrowed from the call, or from `made`. */
struct mplog_message {
    PyObject *template, *mapping; /* NULL: the arguments are `values` */
    PyObject *const *values;
    Py_ssize_t count;
    PyObject *made;
};
/* Replaces what cannot travel by what can, which runs code of the program's; `unpack`: as LogRecord does with a single mapping. False where Python must see
 * to it, or with an exception that is the program's. */
bool mplog_message_settle(struct mplog_message *m, bool unpack);
bool mplog_pack_arguments(struct mplog_pack *p, const struct mplog_message *m);

/* Whether records are still what logging makes them. */
bool mplog_records_are_logging_s(void);
bool mplog_is_of_records(PyObject *key); /* a name that `extra` must not have */

PyObject *mplog_f_pack_record(PyObject *module, PyObject *record);

#endif
