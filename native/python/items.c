/* SPDX-License-Identifier: Apache-2.0
 *
 * What a drain has found, as Python has it. An item is a tuple (who, seq, wall_ns, level, kind, flags, payload, gap, untold); who = (session, pid, process name);
 * gap = None or (first, last, {reason: {level: count}}, since_ns, until_ns): no levels where they do not add up to the numbers, 0 for a time that is not known;
 * untold: how many numbers directly before, or before the gap, a filter took. */
#include <string.h>

#include "native.h"
#include "ring/origin.h"

PyObject *mplog_session(uint64_t segment_id, uint32_t lane, uint32_t epoch)
{
    char text[48];
    snprintf(text, sizeof text, "%012llx-%u-%u", (unsigned long long)segment_id, lane, epoch);
    return PyUnicode_FromString(text);
}

static const char *const level_names[MPL_LEVELS] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
static const char *const reason_names[] = {
#define REASON(name, text) #name,
#include "counters.def"
};
PyObject *mplog_reasons(const uint64_t drops[MPL_REASONS][MPL_LEVELS], bool exact)
{
    PyObject *out = PyDict_New();
    for (unsigned i = 0; out && i < MPL_REASONS; i++) {
        PyObject *levels = PyDict_New();
        bool any = false;
        for (unsigned k = 0; levels && k < MPL_LEVELS; k++) {
            any |= drops[i][k] != 0;
            PyObject *count = drops[i][k] && exact ? PyLong_FromUnsignedLongLong(drops[i][k]) : NULL;
            if (count && PyDict_SetItemString(levels, level_names[k], count))
                Py_CLEAR(levels);
            Py_XDECREF(count);
        }
        if (!levels || (any && PyDict_SetItemString(out, reason_names[i], levels)))
            Py_CLEAR(out);
        Py_XDECREF(levels);
    }
    return out;
}

PyObject *mplog_text(const char *bytes, size_t room)
{
    char text[3 * sizeof ((struct mpl_bell *)0)->problem];
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)mpl_name_text(text, bytes, room), "strict");
}

/* (session, pid, process name) of an item's session, borrowed. */
static PyObject *who_of(ReaderObject *self, uint32_t view, uint32_t slot)
{
    const struct mpl_known *k = mpl_known_at(&self->reader, view, slot);
    const uint32_t segment = view / MPL_MAX_LANES, lane = view % MPL_MAX_LANES;
    PyObject **cached = &self->who[segment][lane][slot];
    if (*cached && self->who_epoch[segment][lane][slot] == k->epoch)
        return *cached;
    const struct mpl_origin *o = &k->origin;
    PyObject *fresh = Py_BuildValue("(s#Is#)", o->session, (Py_ssize_t)o->session_len, o->pid, o->name, (Py_ssize_t)o->name_len);
    Py_XSETREF(*cached, fresh);
    self->who_epoch[segment][lane][slot] = k->epoch;
    return fresh;
}

/* As a time that is shown, beside that of `item`; 0 stays what it is. */
static unsigned long long time_beside(const struct mpl_item *item, uint64_t mono_ns) { return mono_ns ? item->wall_ns - (item->mono_ns - mono_ns) : 0; }

static PyObject *gap_of(const struct mpl_reader *r, const struct mpl_view *v, const struct mpl_item *item, uint32_t sink)
{
    const bool lost = item->lost >> sink & 1;
    if (item->seq == item->expected && !lost)
        return Py_NewRef(Py_None);
    const struct mpl_gap_told told = mpl_gap_of(r, item);
    const uint64_t first = lost ? v->tally[item->slot].told[sink].lost_first : item->expected;
    return Py_BuildValue("(KKNKK)", first, item->seq - 1, mplog_reasons(told.gap.count, told.exact && !lost),
        lost ? 0ull : time_beside(item, told.gap.first_mono), lost ? 0ull : time_beside(item, told.gap.last_mono));
}

PyObject *mplog_item(ReaderObject *self, const struct mpl_item *item, uint32_t sink)
{
    const struct mpl_view *v = mpl_view_at(&self->reader, item->view);
    PyObject *who = who_of(self, item->view, item->slot), *out = PyTuple_New(9);
    if (!who || !out) {
        Py_XDECREF(out);
        return NULL;
    }
    PyTuple_SET_ITEM(out, 0, Py_NewRef(who));
    PyTuple_SET_ITEM(out, 1, PyLong_FromUnsignedLongLong(item->seq));
    PyTuple_SET_ITEM(out, 2, PyLong_FromUnsignedLongLong(item->wall_ns));
    PyTuple_SET_ITEM(out, 3, PyLong_FromLong(item->level));
    PyTuple_SET_ITEM(out, 4, PyLong_FromLong(item->kind));
    PyTuple_SET_ITEM(out, 5, PyLong_FromLong((item->flags & ~MPL_ITEM_FILTERED) | (item->filtered >> sink & 1 ? (long)MPL_ITEM_FILTERED : 0)));
    PyTuple_SET_ITEM(out, 6, PyBytes_FromStringAndSize(self->reader.arena + item->place, item->len));
    PyTuple_SET_ITEM(out, 7, gap_of(&self->reader, v, item, sink));
    PyTuple_SET_ITEM(out, 8, PyLong_FromUnsignedLongLong(item->untold[sink]));
    for (Py_ssize_t i = 0; i < 9; i++)
        if (!PyTuple_GET_ITEM(out, i)) {
            Py_DECREF(out);
            return NULL;
        }
    return out;
}

PyObject *mplog_record(ReaderObject *self, const struct mpl_item *item)
{
    const struct mpl_view *v = mpl_view_at(&self->reader, item->view);
    const struct mpl_record head = {.len = (uint32_t)mpl_align8(sizeof head + item->len), .epoch = v->tally[item->slot].epoch, .seq = item->seq,
        .mono_ns = item->mono_ns, .wall_ns = item->wall_ns, .payload_len = item->len, .level = item->level, .kind = item->kind, .flags = item->flags & MPL_FLAG_CUT};
    PyObject *who = who_of(self, item->view, item->slot), *bytes = PyBytes_FromStringAndSize(NULL, head.len);
    if (!who || !bytes) {
        Py_XDECREF(bytes);
        return NULL;
    }
    char *out = PyBytes_AS_STRING(bytes);
    memset(out, 0, head.len);
    memcpy(out, &head, sizeof head);
    memcpy(out + sizeof head, self->reader.arena + item->place, item->len);
    return Py_BuildValue("(OKN)", PyTuple_GET_ITEM(who, 0), item->seq, bytes);
}

/* The items of the last drain as one file has them. */
PyObject *mplog_items(ReaderObject *self, uint32_t sink)
{
    PyObject *out = PyList_New(self->reader.nitems);
    for (uint32_t i = 0; out && i < self->reader.nitems; i++) {
        PyObject *item = mplog_item(self, &self->reader.items[i], sink);
        if (!item)
            Py_CLEAR(out);
        else
            PyList_SET_ITEM(out, i, item);
    }
    return out;
}

PyObject *mplog_ranges(ReaderObject *self, uint32_t sink)
{
    struct mpl_reader *r = &self->reader;
    PyObject *out = PyDict_New();
    for (uint32_t i = 0; out && i < r->ntouches; i++) {
        const struct mpl_touch *t = &r->touches[i];
        struct mpl_range told;
        if (!mpl_touch_range(r, i, sink, &told))
            continue;
        PyObject *who = who_of(self, t->segment * MPL_MAX_LANES + t->lane, t->epoch % MPL_SLOTS);
        PyObject *range = who ? Py_BuildValue("(KKK)", told.first, told.last, told.count) : NULL;
        if (!range || PyDict_SetItem(out, PyTuple_GET_ITEM(who, 0), range))
            Py_CLEAR(out);
        Py_XDECREF(range);
    }
    return out;
}

static PyObject *lane_row(ReaderObject *self, uint32_t segment, uint32_t number)
{
    struct mpl_view *v = &self->reader.views[segment][number];
    uint32_t epoch = mpl_load(&v->lane->epoch);
    const struct mpl_slot *s = &v->lane->slots[epoch % MPL_SLOTS];
    uint64_t dropped = 0;
    for (unsigned i = 0; i < MPL_REASONS; i++)
        for (unsigned k = 0; k < MPL_LEVELS; k++)
            dropped += mpl_load(&v->lane->drops[i][k]);
    const uint64_t overflow = mpl_load_acquire(&v->lane->ovf_end) - mpl_load_acquire(&v->lane->ovf_head);
    char name[MPL_NAME];
    memcpy(name, s->name, sizeof name);
    return Py_BuildValue("{sNsIsNsNsNsKsKsKsKsKsIsN}", "session", mplog_session(self->reader.segments[segment].head.segment_id, number, epoch), "pid", s->pid,
        "name", mplog_text(name, sizeof name), "live", PyBool_FromLong(mpl_locked(self->reader.segments[segment].fd, number, 1) > 0), "open",
        PyBool_FromLong((mpl_load_acquire(&s->epoch_state) & 0xffffffffu) != MPL_S_CLOSED), "start_ns", s->start_ns, "settled", mpl_load(&s->settled), "pending_bytes", mpl_load_acquire(&v->lane->tail) - mpl_load_acquire(&v->lane->head) + overflow, "overflow_bytes", overflow, "dropped", dropped,
        "capacity_bytes", mpl_load(&v->lane->capacity), "quarantined", PyBool_FromLong(mpl_load(&v->lane->quarantined)));
}

PyObject *mplog_lanes(ReaderObject *self, PyObject *unused)
{
    PyObject *out = PyList_New(0);
    for (uint32_t s = 0; out && s < MPL_MAX_SEGMENTS; s++)
        for (uint32_t i = 0; out && self->reader.views[s] && i < self->reader.segments[s].head.lanes; i++) {
            if (!mpl_load(&self->reader.views[s][i].lane->epoch))
                continue;
            PyObject *row = lane_row(self, s, i);
            if (!row || PyList_Append(out, row))
                Py_CLEAR(out);
            Py_XDECREF(row);
        }
    return out;
}
