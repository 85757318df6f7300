/*
 * A gate: where threads sleep until something is brought. It knows nothing of items.
 *
 * A sleeper: 1 announces itself, 2 looks for what it wants once more, 3 sleeps unless it was woken
 * since 1, 4 leaves. A bringer: 1 brings something, 2 looks for sleepers, 3 wakes some.
 *
 * Why no wake-up is lost. Bringing, announcing, looking for what was brought and looking for
 * sleepers are sequentially consistent, so all threads agree on their order. If the sleeper
 * announces itself before the bringer looks for sleepers, the bringer sees it and wakes it, or as
 * many others as it means to wake; else the sleeper looks after the thing was brought, and finds
 * it. If the bringer brings by a plain store, the sleeper makes all threads fence between its steps
 * 1 and 2 instead: see lib/DESIGN.md.
 *
 * A wake-up raises the epoch before it makes the system call, so a sleeper between 1 and 3 does not
 * fall asleep. That may be more sleepers than were to be woken: the others look once in vain.
 */
#ifndef SPMCQ_GATE_H
#define SPMCQ_GATE_H

#include "internal.h"

#include "sys.h"

#include <stdalign.h>

/* Try once: returns true if it got what the thread waits for. final: if not, the thread sleeps or
 * gives up, and will not look again by itself. */
typedef bool gate_look(void *arg, bool final);

struct gate {
	/* Written by sleepers; epoch by threads that wake them. */
	alignas(CACHE_LINE) _Atomic uint32_t entered; /* sleepers that announced it; wraps */
	_Atomic uint32_t left; /* sleepers that left; never ahead of entered */
	struct sys_word epoch; /* +1 by each wake-up; sleepers sleep on it */
	/* For spmcq_stats() only. Any thread, relaxed. */
	_Atomic uint64_t slept;
	_Atomic uint64_t woken;
};

/* Returns 0 or -ENOMEM. */
INTERNAL int gate_init(struct gate *gate);
INTERNAL void gate_destroy(struct gate *gate);

/* Step 1 of a sleeper. Returns the epoch. */
INTERNAL uint32_t gate_announce(struct gate *gate);

/* Step 3: sleep until a wake-up since the epoch was read, or until the deadline. May return for no
 * reason, so the caller looks again. Returns true if a signal handler ran. */
INTERNAL bool gate_sleep(struct gate *gate, uint32_t epoch, const struct timespec *deadline);

/* Step 4. */
INTERNAL void gate_leave(struct gate *gate);

/* All four, again and again. Returns 0 once look(arg) is true, -ETIMEDOUT after the deadline, or,
 * if interruptible, -EINTR after a signal handler ran. */
INTERNAL int gate_wait(struct gate *gate, gate_look *look, void *arg,
                       const struct timespec *deadline, bool interruptible);

/* Wake up to n sleepers; n may exceed their number. Lock-free; a system call if there are any. */
INTERNAL void gate_wake(struct gate *gate, uint64_t n);

/* The same for a thread that brings often: it does not wake a second time those that were woken and
 * have not left yet. *woken is the value of entered up to which it has woken all. For one thread at
 * a time; others may use gate_wake(). */
INTERNAL void gate_wake_new(struct gate *gate, uint32_t *woken, uint64_t n);

/* Returns whether a sleeper that gate_wake_new() woke has not left yet. */
static inline bool gate_is_waking(const struct gate *gate, uint32_t woken)
{
	/* A hint; orders nothing. */
	return (int32_t)(woken - atomic_load_explicit(&gate->left, memory_order_relaxed)) > 0;
}

/* Returns how many threads are between announcing themselves and leaving. Step 2 of a bringer. */
static inline uint32_t gate_sleepers(const struct gate *gate)
{
	/* Read left first: a sleeper that leaves in between is counted, so none is missed. */
	uint32_t left = atomic_load_explicit(&gate->left, memory_order_seq_cst);

	return atomic_load_explicit(&gate->entered, memory_order_seq_cst) - left;
}

#endif
