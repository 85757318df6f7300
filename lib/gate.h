/*
 * A gate is an object on which threads sleep until another thread wakes them. It knows nothing of
 * items.
 *
 * A sleeper (1) announces itself, (2) looks once more for what it waits for, (3) sleeps unless it
 * was woken since step 1, (4) leaves. A waking thread (1) publishes something, (2) looks for
 * sleepers, (3) wakes some.
 *
 * Why no wake-up is lost. Steps 1 and 2 of both are sequentially consistent, so all threads agree
 * on their order. If the sleeper announces itself before the waking thread looks for sleepers, the
 * waking thread sees the sleeper and wakes it, or as many other sleepers as it intends to wake.
 * Otherwise the sleeper looks after the publication, and finds what was published. If the waking
 * thread publishes by a plain store, the sleeper makes all threads execute a fence between its
 * steps 1 and 2 instead: see lib/DESIGN.md.
 *
 * A wake-up raises the epoch before it makes the system call, so a sleeper between steps 1 and 3
 * does not fall asleep. So more sleepers may stay awake than were to be woken; they look once in
 * vain.
 */
#ifndef SPMCQ_GATE_H
#define SPMCQ_GATE_H

#include "internal.h"

#include "sys.h"

#include <stdalign.h>

/* Try once: returns true if it got what the thread waits for. final: if it returns false, the
 * thread sleeps or returns an error, and does not look again by itself. */
typedef bool gate_look(void *arg, bool final);

struct gate {
	/* Written by sleepers; epoch by threads that wake them. */
	alignas(CACHE_LINE) _Atomic uint32_t entered; /* sleepers that announced it; wraps */
	_Atomic uint32_t left; /* sleepers that left; never ahead of entered */
	struct sys_word epoch; /* +1 by each wake-up; sleepers sleep on it */
	/* For spmcq_stats() only. Written by any thread, relaxed. The second counts wake-ups, not
	 * the sleepers that were woken. */
	_Atomic uint64_t slept;
	_Atomic uint64_t woken;
};

/* Returns 0 or -ENOMEM. */
INTERNAL int gate_init(struct gate *gate);
INTERNAL void gate_destroy(struct gate *gate);

/* Step 1 of a sleeper. Returns the epoch. */
INTERNAL uint32_t gate_announce(struct gate *gate);

/* Step 3 of a sleeper: sleep until there is a wake-up after the epoch was read, or until the
 * deadline. May return for no reason, so the caller looks again. Returns true if a signal handler
 * ran. */
INTERNAL bool gate_sleep(struct gate *gate, uint32_t epoch, const struct timespec *deadline);

/* Step 4 of a sleeper. */
INTERNAL void gate_leave(struct gate *gate);

/* Run the four steps of a sleeper until look(arg) returns true. Returns 0 then, -ETIMEDOUT after
 * the deadline, or, if interruptible, -EINTR after a signal handler ran. */
INTERNAL int gate_wait(struct gate *gate, gate_look *look, void *arg,
                       const struct timespec *deadline, bool interruptible);

/* Wake up to n sleepers; n may exceed their number. Lock-free; a system call if there are any. */
INTERNAL void gate_wake(struct gate *gate, uint64_t n);

/* As gate_wake(), but it does not wake sleepers again that it has woken and that have not left the
 * gate yet. The caller keeps *woken: the first *woken sleepers, in the order in which they
 * announced themselves, have all been woken. For one thread at a time; other threads may use
 * gate_wake(). */
INTERNAL void gate_wake_new(struct gate *gate, uint32_t *woken, uint64_t n);

/* Returns whether a sleeper that gate_wake_new() woke has not left yet. */
static inline bool gate_is_waking(const struct gate *gate, uint32_t woken)
{
	/* A hint; orders nothing. */
	return (int32_t)(woken - atomic_load_explicit(&gate->left, memory_order_relaxed)) > 0;
}

/* Returns how many threads are between steps 1 and 4 of a sleeper. Step 2 of a waking thread. */
static inline uint32_t gate_sleepers(const struct gate *gate)
{
	/* Read left first: a sleeper that leaves in between is counted, so no sleeper is
	 * overlooked. */
	uint32_t left = atomic_load_explicit(&gate->left, memory_order_seq_cst);

	return atomic_load_explicit(&gate->entered, memory_order_seq_cst) - left;
}

#endif
