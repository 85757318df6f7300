/*
 * Who is gone. A process is gone when the kernel says that it has ended (pidfd), or when it has let
 * go of what it holds open while it is attached: it destroyed its handle, or executed another
 * program. No time-out takes part: who is slow, or stopped, is not gone.
 */
#ifndef SPMCQ_SHARED_LIFE_H
#define SPMCQ_SHARED_LIFE_H

#include "internal.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Returns a descriptor for a process, or -errno. */
INTERNAL int life_open(pid_t process);

/* Returns whether the process has ended, or has let go of its lifeline; no system call but poll().
 * -1: not to be looked at. */
INTERNAL bool life_is_over(int process, int lifeline);

/* Returns when the process began, in ticks of the kernel; 0 if that is not known. */
INTERNAL uint64_t life_began(pid_t process);

/* What a peer holds open: a pair of sockets, of which it gets [1]. Returns 0 or -errno. */
INTERNAL int lifeline_of_peer(int ends[2]);

/* What the producer holds open, [1]: a pipe, for all peers get its other end, and none of them must
 * be able to do anything to it. Returns 0 or -errno. */
INTERNAL int lifeline_of_producer(int ends[2]);

/* A peer says that it leaves: also if a child of it holds the same end. */
INTERNAL void lifeline_let_go(int held);

INTERNAL void close_if_open(int *file);

#endif
