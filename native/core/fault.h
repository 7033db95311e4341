/* SPDX-License-Identifier: Apache-2.0
 *
 * Named kill points, in builds with MPL_FAULTS only: the process that has armed a point (mpl_fault_arm, or MPLOG_FAULT=name:countdown in the
 * environment) gets SIGKILL there. In other builds they are nothing. */
#ifndef MPL_FAULT_H
#define MPL_FAULT_H

#ifdef MPL_FAULTS
void mpl_kill_point(const char *name);
#define KILL_POINT(name) mpl_kill_point(#name)
#else
#define KILL_POINT(name) ((void)0)
#endif

#endif
