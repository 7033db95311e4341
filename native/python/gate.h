/* SPDX-License-Identifier: Apache-2.0
 *
 * The process's gate: where the events of its loggers go, and from which level on. mplog/producer/gate.py steers it. The caller holds the GIL. */
#ifndef MPLOG_GATE_H
#define MPLOG_GATE_H

#include "native.h"

struct mplog_gate {
    ProducerObject *producer; /* held; NULL: every event goes through Python, which may find one */
    unsigned level;
};
extern struct mplog_gate mplog_gate;

/* The level from which on events pass: what has been set for all processes of the service, else this one's own. */
static inline unsigned mplog_threshold(void)
{
    const struct mpl_bell *bell = mplog_gate.producer ? mplog_gate.producer->p.bell : NULL;
    const uint32_t shared = bell ? mpl_load(&bell->threshold) : 0;
    return shared ? shared - 1 : mplog_gate.level;
}

/* A place to encode an event into: the process's own, or one of the call's when that is taken by a call that is not over yet. */
#define MPLOG_SCRATCH_BYTES 65536
struct mplog_scratch {
    uint8_t *bytes;
    bool own;
};
bool mplog_scratch_take(struct mplog_scratch *s);
void mplog_scratch_give(struct mplog_scratch *s);

PyObject *mplog_f_attacher(PyObject *module, PyObject *late);
PyObject *mplog_f_steer(PyObject *module, PyObject *args);
PyObject *mplog_f_set_hooks(PyObject *module, PyObject *args, PyObject *kwargs);

#endif
