/* SPDX-License-Identifier: Apache-2.0
 *
 * What logging's objects are: whether a class still does what the standard library has written for it, and where a handler's records go. A class is asked
 * about once; the interpreter gives it another version tag when it, or a class above it, is changed. The caller holds the GIL. */
#ifndef MPLOG_STDLIB_H
#define MPLOG_STDLIB_H

#include "pack.h"

#define MPLOG_VERDICTS 16u
struct mplog_verdicts {
    unsigned (*judge)(PyTypeObject *type);
    struct {
        PyTypeObject *type; /* for comparison alone: no two classes ever have one tag */
        unsigned version, verdict;
    } known[MPLOG_VERDICTS];
};
unsigned mplog_verdict(struct mplog_verdicts *v, PyTypeObject *type);

/* For a judge. No exception is left behind. */
bool mplog_stands_in_logging(PyObject *function);                     /* its code is of logging's own source */
bool mplog_all_logging_s(PyTypeObject *type, PyObject *const *names); /* these methods are; NULL ends the names */
bool mplog_knows_none_of(PyTypeObject *type, PyObject *const *names); /* the class itself: what it has would hide what its objects have */
bool mplog_has_any(PyObject *dict, PyObject *const *names);           /* an object's own: what it has hides the class's methods */

/* Handlers. */
enum { MPLOG_EMITS_RECORDS = 1, /* what emit() does with a record is ours */
    MPLOG_HANDLES_RECORDS = 2,  /* and no method of the user's comes before it */
    MPLOG_DOES_NOTHING = 4,     /* logging.NullHandler */
    MPLOG_HAS_A_LEVEL = 8 };    /* of its own, as logging keeps it */
unsigned mplog_handler_verdict(PyTypeObject *type);
bool mplog_is_empty_list(PyObject *dict, PyObject *name);
/* Where this handler's records go, a new reference; NULL: Python has to find out. `handles`: also nothing of the user's stands between. */
ProducerObject *mplog_producer_of(PyObject *handler, bool handles);

extern struct mplog_stdlib {
    PyObject *source; /* logging's file, as its code objects name it */
    PyTypeObject *record, *handler, *null_handler, *logger;
    PyObject *globals; /* of logging */
    PyObject *gate, *emit, *arguments, *layout, *mapping;
} mplog_stdlib;

PyObject *mplog_f_set_logging(PyObject *module, PyObject *args, PyObject *kwargs);
int mplog_record_init(void);
int mplog_accelerate_init(void);
PyObject *mplog_intern(const char *const *texts, PyObject **names); /* None, or NULL with an exception; NULL ends both */

#endif
