/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests break on purpose, in builds with MPL_FAULTS only; in other builds all of it is nothing.
 *
 * KILL_POINT(name)   the process that has MPLOG_FAULT=name:n in its environment gets SIGKILL at the n-th passage.
 * FAIL_POINT(name)   the number n where MPLOG_FAULT=name:n is in the environment, else 0: a result that must not happen.
 * SEEDED(bug)        true where the process was started with SEEDED_BUG=bug: the code then does wrong what its tests must notice. Ask it last in a
 *                    condition: each yes is a deviation, and is counted (a byte appended to the file that SEEDED_LOG names).
 * SEEDED_ONCE(bug)   the same, yes for the first time only. */
#ifndef MPL_FAULT_H
#define MPL_FAULT_H

#ifdef MPL_FAULTS
#include <stdbool.h>

void mpl_kill_point(const char *name);
bool mpl_seeded(const char *bug, bool once);
int mpl_fail_point(const char *name);
#define KILL_POINT(name) mpl_kill_point(#name)
#define FAIL_POINT(name) mpl_fail_point(#name)
#ifdef MPL_COVERAGE /* a condition that asks for a bug is no branch of the code */
#define SEEDED(bug) 0
#define SEEDED_ONCE(bug) 0
void mpl_coverage_dump(void);
#define LAST_WORDS() mpl_coverage_dump() /* of a process that a signal is about to end */
#else
#define LAST_WORDS() ((void)0)
#define SEEDED(bug) mpl_seeded(#bug, false)
#define SEEDED_ONCE(bug) mpl_seeded(#bug, true)
#endif
#else
#define KILL_POINT(name) ((void)0)
#define FAIL_POINT(name) 0
#define SEEDED(bug) 0
#define SEEDED_ONCE(bug) 0
#define LAST_WORDS() ((void)0)
#endif

#endif
