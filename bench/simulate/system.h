/*
 * The kernel's part of sleeping and waking, and a list of what was allocated.
 */
#ifndef BENCH_SIMULATE_SYSTEM_H
#define BENCH_SIMULATE_SYSTEM_H

#include <time.h>

#include "simulate/cores.h"

/* The same on the machine's clock; before its beginning: 0. */
sim_time system_time(const struct timespec *time);

/* 0: woken; -EAGAIN: the word is not what was seen; -ETIMEDOUT. */
int system_futex_wait(uint32_t *word, uint32_t seen, sim_time deadline);
int system_futex_wake(uint32_t *word, int n);

size_t system_blocks(const struct sim_block **blocks);

#endif
