/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that includes <stdatomic.h>. Words in shared memory are mpl_a32/mpl_a64 and are touched through these names alone;
 * an access that orders something carries an ORD label with its pair at the place of use. */
#ifndef MPL_ATOMIC_H
#define MPL_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef _Atomic uint32_t mpl_a32;
typedef _Atomic uint64_t mpl_a64;

#define mpl_load(p) atomic_load_explicit((p), memory_order_relaxed)
#define mpl_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define mpl_store(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define mpl_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define mpl_add(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define mpl_or(p, v) atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define mpl_and(p, v) atomic_fetch_and_explicit((p), (v), memory_order_relaxed)
#define mpl_exchange(p, v) atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define mpl_fence_acquire() atomic_thread_fence(memory_order_acquire)
#define mpl_fence_release() atomic_thread_fence(memory_order_release)
#define mpl_fence_full() atomic_thread_fence(memory_order_seq_cst)

/* Raises *p to v, never lowers it; release, so that what was read before is read before the space is given away. Returns what stood there. */
static inline uint64_t mpl_raise(mpl_a64 *p, uint64_t v)
{
    uint64_t old = mpl_load(p);
    while (old < v && !atomic_compare_exchange_weak_explicit(p, &old, v, memory_order_release, memory_order_relaxed)) {
    }
    return old;
}

static inline bool mpl_swap(mpl_a64 *p, uint64_t from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(p, &from, to, memory_order_acq_rel, memory_order_acquire);
}

#endif
