/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the extension share. Here are arguments, the GIL and exceptions; no algorithm and no layout arithmetic. */
#ifndef MPLOG_NATIVE_H
#define MPLOG_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "format/format.h"
#include "mpl.h"

extern PyTypeObject ProducerType, ReaderType, JournalType, LoggerType;

struct mplog_spot { /* one event of this process */
    uint64_t segment_id, seq;
    uint32_t lane, epoch;
};

typedef struct {
    PyObject_HEAD
    struct mpl_producer p;
    PyObject *on_event, *encode;
    PyObject *kept[3];   /* what a signal handler of the user's raised inside on_event: raised when the event's fate is settled */
    unsigned durable_level;  /* from it up a call returns when its event is on the disk; above 255: none */
    uint64_t durable_ns;     /* at most after so long */
    struct mplog_spot in_vain; /* what a wait has ended for too late: nobody waits until that is on the disk; seq 0: nothing */
    bool unusual;        /* closed, or some calls are durable: what the usual call looks at */
    bool closed;         /* the process has gone to another service: a late call goes there too */
    bool trouble_untold;    /* an attempt to get a lane has failed since it was last told */
    uint64_t retry_known;  /* p.retry_ns of the last failed attempt that was told */
    uint64_t trouble_told; /* the process whose trouble was told: a root's child has tried for a lane before Python runs in it */
} ProducerObject;

struct mplog_event { /* one publish's arguments */
    unsigned level, kind, flags;
    const char *payload;
    size_t len;
};
/* True, False, or None (larger than max_payload, or closed); NULL with what a signal handler of the user's has raised. May wait, without the GIL. */
PyObject *mplog_publish(ProducerObject *self, const struct mplog_event *e);
PyObject *mplog_wait_settled(ProducerObject *self, PyObject *args);
PyObject *mplog_sync(ProducerObject *self, PyObject *timeout_s);

typedef struct {
    PyObject_HEAD
    struct mpl_journal journal;
    struct mpl_lead lead; /* of the file that the next rotation begins */
} JournalObject;

#define MPLOG_MAX_ROUTES 32
typedef struct {
    PyObject_HEAD
    struct mpl_reader reader;
    struct mpl_end *ends;
    int nends;
    struct mpl_second seconds[MPL_MAX_SINKS];
    bool composing;
    struct mpl_filter *routes[MPLOG_MAX_ROUTES]; /* of the sinks that are no files */
    struct mpl_condition *route_conditions[MPLOG_MAX_ROUTES]; /* NULL: none */
    uint32_t nroutes;
    bool redacts; /* what looks like a secret */
    PyObject *who[MPL_MAX_SEGMENTS][MPL_MAX_LANES][MPL_SLOTS]; /* (session, pid, process name), for the epoch beside it */
    uint32_t who_epoch[MPL_MAX_SEGMENTS][MPL_MAX_LANES][MPL_SLOTS];
} ReaderObject;

PyObject *mplog_f_error_rows(PyObject *module, PyObject *unused);
PyObject *mplog_raise(int code);                /* OSError for -errno, RuntimeError with the code for MPL_E_* */
PyObject *mplog_session(uint64_t segment_id, uint32_t lane, uint32_t epoch);


PyObject *mplog_item(ReaderObject *self, const struct mpl_item *item, uint32_t sink); /* as drain() gives it */
PyObject *mplog_record(ReaderObject *self, const struct mpl_item *item); /* (session, number, its record as it stood in the lane) */
PyObject *mplog_items(ReaderObject *self, uint32_t sink);  /* of the last drain, as one file has them */
PyObject *mplog_ranges(ReaderObject *self, uint32_t sink); /* {session: (first, last, events)} of the accepted ones */
PyObject *mplog_reasons(const uint64_t drops[MPL_REASONS][MPL_LEVELS], bool exact); /* {reason: {level: count}}, without zeros; not exact: {reason: {}} */
PyObject *mplog_text(const char *bytes, size_t room);      /* what somebody has left in shared memory */
PyObject *mplog_frame(PyObject *module, PyObject *record);  /* records on disk: kept.c */
PyObject *mplog_frame_of(PyObject *module, PyObject *args);
PyObject *mplog_frames(PyObject *module, PyObject *data);
PyObject *mplog_lanes(ReaderObject *self, PyObject *unused);  /* a dict for every lane that was ever claimed */
PyObject *mplog_compose(ReaderObject *self, PyObject *args);

/* sinks that are no files: route.c */
bool mplog_rules(PyObject *given, struct mpl_rule rules[MPL_MAX_RULES]); /* of a list of (prefix, level); false with an exception */
extern const char mplog_secrets_doc[];
PyObject *mplog_secrets(PyObject *module, PyObject *arg);
PyObject *mplog_may_hold_secret(PyObject *module, PyObject *arg);
PyObject *mplog_shows_no_secret(PyObject *module, PyObject *args);
PyObject *mplog_set_patterns(ReaderObject *self, PyObject *on);
extern const char mplog_set_condition_doc[], mplog_refuse_doc[];
PyObject *mplog_set_condition(ReaderObject *self, PyObject *args);
PyObject *mplog_refuse(ReaderObject *self, PyObject *args);
PyObject *mplog_condition_holds(PyObject *module, PyObject *args);
PyObject *mplog_set_routes(ReaderObject *self, PyObject *given);
PyObject *mplog_routed(ReaderObject *self, PyObject *count);
void mplog_forget_routes(ReaderObject *self);
extern const char mplog_routed_doc[];

int mplog_add_formats(PyObject *module); /* FORMATS: the number of a format by its name */
PyObject *mplog_format_line(PyObject *module, PyObject *args);

#endif
