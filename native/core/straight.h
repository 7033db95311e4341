/* SPDX-License-Identifier: Apache-2.0
 *
 * What a hot path always does is one straight run, copied into its caller; what it seldom does is kept out of it. benchmarks/instructions counts. Where
 * branches are counted, a branch of the source is one of the program: nothing is copied. */
#ifndef MPL_STRAIGHT_H
#define MPL_STRAIGHT_H

#ifdef MPL_COVERAGE
#define ALWAYS inline
#else
#define ALWAYS inline __attribute__((always_inline))
#endif
#define SELDOM __attribute__((noinline, cold))

#endif
