/*
 * A gate: where threads sleep until something is brought. It knows nothing of items.
 *
 * A sleeper: 1 announces itself, 2 looks for what it wants once more, 3 sleeps unless it was woken
 * since 1, 4 leaves. A bringer: 1 brings something, 2 looks for sleepers, 3 wakes some.
 *
 * Why no wake-up is lost. Bringing, announcing, looking for what was brought and looking for
 * sleepers are sequentially consistent, so all threads agree on their order. If the sleeper
 * announces itself before the bringer looks for sleepers, the bringer sees it and wakes it; else
 * the sleeper looks after the thing was brought, and finds it. Where the bringer brings by a plain
 * store to save a locked instruction, the sleeper makes all threads fence between its steps 1 and
 * 2, which has the same effect: see lib/DESIGN.md.
 *
 * A sleeper relies on nobody but the bringer. Sleeping and waking change an epoch: who wakes raises
 * it first, so a sleeper between 1 and 3 does not go to sleep. The others who do so look again for
 * nothing, once.
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
	/* Written by threads that sleep; by one that wakes only the epoch. */
	alignas(CACHE_LINE) _Atomic uint32_t entered; /* announced, since create; wraps */
	_Atomic uint32_t left; /* of these, how many have left; never ahead of entered */
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

/* Step 3: until woken after the epoch, or the deadline, or for no reason. Returns true if a signal
 * handler ran. The caller looks again. */
INTERNAL bool gate_sleep(struct gate *gate, uint32_t epoch, const struct timespec *deadline);

/* Step 4. */
INTERNAL void gate_leave(struct gate *gate);

/* All four, again and again, until look(arg) is true: 0; or the deadline has passed: -ETIMEDOUT; or
 * a signal handler ran: -EINTR, if interruptible. */
INTERNAL int gate_wait(struct gate *gate, gate_look *look, void *arg,
                       const struct timespec *deadline, bool interruptible);

/* Wake up to n sleepers; n may exceed their number. Lock-free; a system call if there are any. */
INTERNAL void gate_wake(struct gate *gate, uint64_t n);

/* The same for a thread that brings often: it notes in *woken how far it has woken the sleepers
 * that entered, and so does not wake those again that have not got up yet. One thread at a time for
 * a gate; others may use gate_wake(). */
INTERNAL void gate_wake_new(struct gate *gate, uint32_t *woken, uint64_t n);

/* Returns whether one that gate_wake_new() woke has not got up yet. */
static inline bool gate_is_waking(const struct gate *gate, uint32_t woken)
{
	/* A hint; orders nothing. */
	return (int32_t)(woken - atomic_load_explicit(&gate->left, memory_order_relaxed)) > 0;
}

/* Returns how many threads are between announcing themselves and leaving. Step 2 of a bringer. */
static inline uint32_t gate_sleepers(const struct gate *gate)
{
	/* left first: who has not left by then, and had entered, is counted. */
	uint32_t left = atomic_load_explicit(&gate->left, memory_order_seq_cst);

	return atomic_load_explicit(&gate->entered, memory_order_seq_cst) - left;
}

#endif
