/*
 * Which processes are gone. A process is gone when the kernel says that it has ended (pidfd), or
 * when it has let go of its lifeline: it destroyed its handle, or executed another program. There
 * is no time-out: a process that is slow or stopped is not gone.
 *
 * A lifeline is an empty memfd on which a process holds a record lock. Such a lock belongs to the
 * process. A child of fork does not have it, and it ends when the process closes the file, as exec
 * does.
 */
#ifndef SPMCQ_SHARED_LIFE_H
#define SPMCQ_SHARED_LIFE_H

#include "internal.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Returns a pidfd for a process, or -errno. */
INTERNAL int life_open(pid_t process);

/* Returns whether the process has ended, or has let go of its lifeline. A descriptor of -1 is left
 * out. At most two system calls, which do not block. A process cannot look at its own lifeline. */
INTERNAL bool life_is_over(int process, int lifeline);

/* Returns whether a descriptor that came from another process is a pidfd. */
INTERNAL bool life_is_sound(int process);

/* Returns when the process began, in the kernel's ticks; 0 if that is not known. */
INTERNAL uint64_t life_began(pid_t process);

/* Returns a lifeline that nobody holds, or -errno. */
INTERNAL int lifeline_make(void);

/* Returns whether a descriptor that came from another process is a memfd that cannot be changed. */
INTERNAL bool lifeline_is_sound(int lifeline);

/* Lock a lifeline, until its descriptor is closed. Returns 0 or -errno. */
INTERNAL int lifeline_hold(int lifeline);

INTERNAL void close_if_open(int *file);

#endif
