/*
 * Finds out which processes are gone. A process is gone when it has ended, which the kernel reports
 * by its pidfd, or when it has released its lifeline, because it destroyed its handle or executed
 * another program. There is no time-out: a process that is slow or stopped is not gone.
 *
 * A lifeline is an empty memfd on which a process holds a record lock. The lock belongs to the
 * process: a forked child does not inherit it. The lock is released when the process closes the
 * file, as exec does, or ends.
 */
#ifndef SPMCQ_SHARED_LIFE_H
#define SPMCQ_SHARED_LIFE_H

#include "internal.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Returns a pidfd for a process, or -errno. */
INTERNAL int life_open(pid_t process);

/* Returns whether a process is gone, from its pidfd and lifeline. A descriptor of -1 is not
 * checked. Makes two system calls at most, which do not block. A process cannot check its own
 * lifeline, because F_GETLK does not report locks of the caller. */
INTERNAL bool life_is_over(int process, int lifeline);

/* Returns whether a descriptor that came from another process is a pidfd. */
INTERNAL bool life_is_sound(int process);

/* Returns when a process started, in the kernel's ticks; 0 if that cannot be found out. */
INTERNAL uint64_t life_began(pid_t process);

/* Returns a new lifeline, which no process has locked, or -errno. */
INTERNAL int lifeline_make(void);

/* Returns whether a descriptor that came from another process is a memfd that cannot be changed. */
INTERNAL bool lifeline_is_sound(int lifeline);

/* Lock a lifeline, until its descriptor is closed. Returns 0 or -errno. */
INTERNAL int lifeline_hold(int lifeline);

INTERNAL void close_if_open(int *file);

#endif
