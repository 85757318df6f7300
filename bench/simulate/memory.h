/*
 * What loads, stores, locked instructions and fences do on a core: which of them wait for a line,
 * and which go on meanwhile.
 *
 * A load that misses does not stop the core: later accesses start before its value is there, as far
 * as the core's window reaches, unless they need that value. The hooks cannot see whether they do,
 * so the machine guesses from what each instruction did last time:
 *
 *   - An instruction that accesses the same address again, or an address that is as far from the
 *     last one as that was from the one before, needs no value, and starts at once. Otherwise it
 *     waits for all loads before it.
 *   - If a load that missed has returned the same value each time, and now returns a new value (or
 *     the other way round), the core is taken to have mispredicted a branch on the value: it waits
 *     for all loads, and for the misprediction.
 *
 * A store waits for its line in a buffer, in order, and its core goes on; others see it when it has
 * the line. That is the order of x86-64 (total store order), also for aarch64, which allows more.
 */
#ifndef BENCH_SIMULATE_MEMORY_H
#define BENCH_SIMULATE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* All buffers empty. */
void memory_begin(void);

/* caller: the instruction, as far as one is told from another. */
void memory_load(const volatile void *at, size_t size, const void *caller);
/* The same, and the value, up to 8 bytes, perhaps of a store that still waits. */
uint64_t memory_load_value(const volatile void *at, size_t size, const void *caller);

/* The same, but the core waits for the value, which is the one that memory has when this returns.
 */
uint64_t memory_load_now(const volatile void *at, size_t size, const void *caller);

/* Called before a store that is not atomic. The program then makes the store itself, so that it is
 * in memory at once. That is too early, but a program without data races cannot tell: another
 * thread may read it only after it has seen an atomic store that came later. */
void memory_store(volatile void *at, const void *caller);
/* A store that is done here, and seen by others when it has its line. */
void memory_store_value(volatile void *at, size_t size, uint64_t value, const void *caller);

/* Before a locked instruction, which then sees and changes memory as it is. */
void memory_locked(volatile void *at, const void *caller);
void memory_fence(void);
void memory_prefetch(const volatile void *at, int for_writing);

/* The C library's own, which no hook sees (system.c). */
void *__real_memcpy(void *to, const void *from, size_t size);

/* All stores of this core (of all cores) are seen. */
void memory_drain(void);
void memory_drain_all(void);

#endif
