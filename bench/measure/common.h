/*
 * Memory that a process has in common with those it forks later: what the consumers of a run tell
 * its producer, whether they are threads or processes.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stddef.h>

/* n times size bytes, all zero and touched, at the start of a cache line. NULL: there is no memory.
 * By the thread that forks. */
void *common_alloc(size_t n, size_t size);
void common_free(void *memory); /* NULL: nothing */

/* By a process that was just forked: maps all common memory here, so that no page fault is timed.
 */
void common_touch(void);

#endif
