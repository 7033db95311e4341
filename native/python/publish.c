/* SPDX-License-Identifier: Apache-2.0
 *
 * A publish as Python sees it, and its waits: for a lane, for room, for the sinks, for the disk. The caller holds the GIL from the first instruction of
 * publish to its end, so that threads of one process take turns; only a wait gives it up, and then starts again from the generation test. */
#include <time.h>

#include "fault.h"
#include "pack.h"

#define SLICE_NS 100000000u

/* Tells the Python side of something that happened during a publish. It handles its own errors; what comes out of it a signal handler of the user's has
 * raised, and is kept until the event's fate is settled. */
static void tell(ProducerObject *self, const char *what)
{
    if (!self->on_event || self->on_event == Py_None || self->kept[0])
        return;
    PyObject *result = PyObject_CallFunction(self->on_event, "s", what);
    if (result)
        Py_DECREF(result);
    else
        PyErr_Fetch(&self->kept[0], &self->kept[1], &self->kept[2]);
}

/* The call's result, or what was kept of a KeyboardInterrupt. */
static PyObject *settle(ProducerObject *self, PyObject *result)
{
    if (!self->kept[0])
        return result;
    Py_XDECREF(result);
    PyErr_Restore(self->kept[0], self->kept[1], self->kept[2]);
    memset(self->kept, 0, sizeof self->kept);
    return NULL;
}

/* A claim is told before the first event goes into it, so that the session carries the name which Python knows only now. */
static void before_publish(ProducerObject *self)
{
    struct mpl_producer *p = &self->p;
    if (FAIL_POINT(attach)) {
        p->trouble = FAIL_POINT(attach);
        self->trouble_untold = true;
    } else if (!mpl_lane_is_mine(p) && !(p->trouble && p->generation == mpl_generation() && mpl_now(CLOCK_MONOTONIC) < p->retry_ns))
        self->trouble_untold = mpl_attach(p) != 0;
    else if (p->trouble && self->trouble_told != p->generation)
        self->trouble_untold = true;
    if (p->claimed) {
        p->claimed = false;
        tell(self, "claimed");
    }
}

static void after_publish(ProducerObject *self)
{
    struct mpl_producer *p = &self->p;
    if (p->trouble && self->trouble_untold && !self->kept[0]) {
        self->trouble_untold = false;
        self->trouble_told = p->generation;
        tell(self, "trouble");
        self->retry_known = p->retry_ns;
    }
    if (p->wants_look && !self->kept[0]) {
        p->wants_look = false;
        if (!mpl_all_well(p))
            tell(self, "look");
    }
}

/* One slice of waiting without the GIL; -1 with the exception of a signal handler. */
static int wait_slice(ProducerObject *self, struct mpl_watch watch, uint64_t left_ns)
{
    int moved;
    if (self->kept[0])
        return -1; /* before another thread gets its turn, and takes it for its own */
    self->p.waiting++;
    Py_BEGIN_ALLOW_THREADS
    moved = mpl_wait(&watch, left_ns < SLICE_NS ? left_ns : SLICE_NS);
    Py_END_ALLOW_THREADS
    if (self->p.waiting)
        self->p.waiting--;
    if (PyErr_CheckSignals())
        return -1;
    if (!moved)
        tell(self, "stalled");
    return self->kept[0] ? -1 : 0;
}

static bool is_here(const struct mpl_producer *p, const struct mplog_spot *spot)
{
    return mpl_lane_is_mine(p) && p->epoch == spot->epoch && p->segment_id == spot->segment_id && p->lane_number == spot->lane;
}

static struct mplog_spot spot_of(const struct mpl_producer *p)
{
    return (struct mplog_spot){.segment_id = p->segment_id, .seq = p->published, .lane = p->lane_number, .epoch = p->epoch};
}

/* spot: NULL, or where the event's number is to be put, before anybody else's turn. */
static inline enum mpl_outcome try_publish(ProducerObject *self, const struct mplog_event *e, struct mplog_spot *spot)
{
    const enum mpl_outcome outcome = FAIL_POINT(outcome) ? (enum mpl_outcome)FAIL_POINT(outcome)
                                                         : mpl_publish(&self->p, e->level, e->kind, e->flags, e->payload, e->len);
    if (spot && outcome == MPL_ACCEPTED)
        *spot = spot_of(&self->p);
    return outcome;
}

/* No lane: tell, which may set up what was missing, and try once more before the event counts as lost. */
static enum mpl_outcome publish_homeless(ProducerObject *self, const struct mplog_event *e, struct mplog_spot *spot)
{
    enum mpl_outcome outcome = MPL_HOMELESS;
    if (self->p.trouble && self->retry_known != self->p.retry_ns)
        self->trouble_untold = true; /* the attempt was the event's own, on its way out of a lane that was set aside */
    after_publish(self);
    if (self->p.claimed)
        before_publish(self); /* the claim that came of it is told too */
    if (self->closed)
        return MPL_TOO_BIG; /* as for a closed one: the call goes where the gate leads now */
    if (self->p.lane)
        outcome = try_publish(self, e, spot);
    if (outcome == MPL_HOMELESS)
        mpl_drop(&self->p, MPL_REASON_lane_full, e->level);
    return outcome == MPL_HOMELESS ? MPL_DROPPED : outcome;
}

/* The core has answered what it must not. */
static enum mpl_outcome broken(ProducerObject *self)
{
    tell(self, "broken");
    return MPL_DROPPED;
}

static PyObject *result_of(enum mpl_outcome outcome) { return outcome == MPL_TOO_BIG ? Py_NewRef(Py_None) : PyBool_FromLong(outcome == MPL_ACCEPTED); }

/* Waits for space. What a signal handler raises meanwhile ends the wait: the event is dropped and counted, and the exception goes to the program. */
static PyObject *publish_waiting(ProducerObject *self, const struct mplog_event *e, struct mplog_spot *spot)
{
    uint64_t deadline = mpl_now(CLOCK_MONOTONIC) + self->p.block_ns;
    enum mpl_outcome outcome = MPL_WAIT;
    while (outcome == MPL_WAIT) {
        uint64_t now = mpl_now(CLOCK_MONOTONIC);
        if (now >= deadline) {
            self->p.gave_up = true;
            mpl_drop(&self->p, MPL_REASON_timeout, e->level);
            outcome = MPL_DROPPED;
            break;
        }
        if (wait_slice(self, mpl_watch(&self->p, 0), deadline - now) < 0) {
            mpl_drop(&self->p, MPL_REASON_timeout, e->level);
            return PyErr_Occurred() ? NULL : settle(self, NULL);
        }
        if (self->closed)
            Py_RETURN_NONE;
        outcome = try_publish(self, e, spot);
        if (outcome == MPL_HOMELESS)
            outcome = publish_homeless(self, e, spot);
    }
    after_publish(self);
    return settle(self, result_of(outcome));
}

static inline __attribute__((always_inline)) PyObject *publish(ProducerObject *self, const struct mplog_event *e, struct mplog_spot *spot)
{
    struct mpl_producer *p = &self->p;
    if (p->claimed || !mpl_lane_is_mine(p)) {
        before_publish(self);
        if (self->closed) /* while that was told */
            return settle(self, Py_NewRef(Py_None));
    }
    enum mpl_outcome outcome = try_publish(self, e, spot);
    if (outcome > MPL_TOO_BIG)
        outcome = outcome == MPL_HOMELESS ? publish_homeless(self, e, spot) : broken(self);
    if (outcome == MPL_WAIT)
        return publish_waiting(self, e, spot);
    if (p->wants_look || p->trouble)
        after_publish(self);
    return settle(self, result_of(outcome));
}

enum disk { ON_DISK, TOO_LATE, GONE, RAISED };

/* Until the event at the spot is on the disk. GONE: its session has ended, or this is a child of the process that waited: nobody here can tell any more. */
static enum disk wait_for_disk(ProducerObject *self, const struct mplog_spot *spot, uint64_t deadline, bool ask)
{
    struct mpl_producer *p = &self->p;
    while (is_here(p, spot)) {
        struct mpl_watch watch = mpl_watch(p, spot->seq);
        const uint64_t now = mpl_now(CLOCK_MONOTONIC);
        if (mpl_synced(p) >= spot->seq)
            return ON_DISK;
        if (now >= deadline)
            return TOO_LATE;
        if (ask || mpl_settled(p) >= spot->seq)
            mpl_ask_sync(p);
        watch.word = &p->slot->synced;
        if (wait_slice(self, watch, deadline - now) < 0)
            return RAISED;
    }
    return GONE;
}

/* The call returns when its event is on the disk. After one that has waited in vain others do not, until that one's event is there. */
static PyObject *publish_durable(ProducerObject *self, const struct mplog_event *given)
{
    struct mplog_event e = *given;
    struct mplog_spot spot = {0};
    e.flags |= MPL_FLAG_DURABLE;
    PyObject *result = publish(self, &e, &spot);
    if (result != Py_True)
        return result;
    Py_DECREF(result);
    if (self->in_vain.seq && is_here(&self->p, &self->in_vain) && mpl_synced(&self->p) < self->in_vain.seq)
        Py_RETURN_FALSE;
    self->in_vain.seq = 0;
    const enum disk disk = wait_for_disk(self, &spot, mpl_now(CLOCK_MONOTONIC) + self->durable_ns, false);
    if (disk == RAISED)
        return PyErr_Occurred() ? NULL : settle(self, NULL);
    if (disk == TOO_LATE) {
        self->in_vain = spot;
        tell(self, "unsynced");
    }
    return settle(self, PyBool_FromLong(disk == ON_DISK));
}

PyObject *mplog_publish(ProducerObject *self, const struct mplog_event *e)
{
    if (self->unusual && self->closed)
        Py_RETURN_NONE;
    if (self->unusual && e->level >= self->durable_level)
        return publish_durable(self, e);
    return publish(self, e, NULL);
}

/* ---- asked for -------------------------------------------------------------------------------------------------------------- */
/* The moment after so many seconds. */
static uint64_t after(double timeout_s)
{
    return mpl_now(CLOCK_MONOTONIC) + (uint64_t)(timeout_s > 0 ? (timeout_s < 1e9 ? timeout_s : 1e9) * 1e9 : 0);
}

PyObject *mplog_wait_settled(ProducerObject *self, PyObject *args)
{
    unsigned long long target;
    double timeout_s;
    if (!PyArg_ParseTuple(args, "Kd", &target, &timeout_s))
        return NULL;
    const uint64_t deadline = after(timeout_s);
    if (self->p.bell && self->p.lane)
        mpl_add(&self->p.bell->departures, 1);
    const struct mplog_spot spot = spot_of(&self->p);
    while (is_here(&self->p, &spot) && mpl_settled(&self->p) < target) {
        uint64_t now = mpl_now(CLOCK_MONOTONIC);
        if (now >= deadline)
            Py_RETURN_FALSE;
        if (wait_slice(self, mpl_watch(&self->p, target), deadline - now) < 0)
            return PyErr_Occurred() ? NULL : settle(self, NULL);
    }
    /* Where the session that the number is of has ended meanwhile, nobody here can tell any more. */
    return PyBool_FromLong(!target || (is_here(&self->p, &spot) && mpl_settled(&self->p) >= target));
}

PyObject *mplog_sync(ProducerObject *self, PyObject *arg)
{
    const double timeout_s = PyFloat_AsDouble(arg);
    if (timeout_s == -1.0 && PyErr_Occurred())
        return NULL;
    struct mpl_producer *p = &self->p;
    const struct mplog_spot spot = spot_of(p);
    enum disk disk = ON_DISK;
    if (mpl_lane_is_mine(p) && p->published)
        disk = wait_for_disk(self, &spot, after(timeout_s), true);
    if (disk == RAISED)
        return PyErr_Occurred() ? NULL : settle(self, NULL);
    if (disk != ON_DISK)
        Py_RETURN_FALSE;
    return PyBool_FromLong(!mpl_take_doubt(p));
}
