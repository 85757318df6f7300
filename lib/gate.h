/*
 * A gate is an object on which threads sleep until another thread wakes them. It knows nothing of
 * items.
 *
 * A sleeper (S1) announces itself, (S2) makes a final look for what it waits for, (S3) sleeps
 * unless it was woken since S1, (S4) leaves. A waking thread (W1) publishes something, (W2) looks
 * for sleepers, (W3) wakes some. "Sleeping and waking" in lib/DESIGN.md proves that no wake-up is
 * lost.
 *
 * W3 raises the epoch before it makes the system call, so a sleeper between S1 and S3 does not fall
 * asleep. Thus a wake-up may keep more sleepers awake than it was for; they look once in vain.
 */
#ifndef SPMCQ_GATE_H
#define SPMCQ_GATE_H

#include "internal.h"

#include "deadline.h"
#include "sys.h"

#include <errno.h>
#include <stdalign.h>

/* Try once: returns true if it got what the thread waits for. final: this is a final look; if it
 * returns false, the thread sleeps next, or its call fails. */
typedef bool gate_look(void *arg, bool final);

struct gate {
	/* Written by sleepers; epoch by threads that wake them. */
	alignas(CACHE_LINE) _Atomic uint32_t entered; /* sleepers that made S1; wraps */
	_Atomic uint32_t left; /* sleepers that left; never ahead of entered */
	struct sys_word epoch; /* +1 by each wake-up; sleepers sleep on it */
	/* Statistics for spmcq_stats(), relaxed. (struct spmcq has another woken: sleepers.) */
	_Atomic uint64_t slept; /* sleeps; written by sleepers */
	_Atomic uint64_t woken; /* wake-ups, not the sleepers woken; written by who wakes them */
};

/* Returns 0 or -ENOMEM. */
static int gate_init(struct gate *gate)
{
	atomic_init(&gate->entered, 0);
	atomic_init(&gate->left, 0);
	atomic_init(&gate->slept, 0);
	atomic_init(&gate->woken, 0);
	return sys_word_init(&gate->epoch);
}

static void gate_destroy(struct gate *gate)
{
	sys_word_destroy(&gate->epoch);
}

/* S1. Returns the epoch. */
static uint32_t gate_announce(struct gate *gate)
{
	/* Read the epoch first: a waking thread that sees us enter raises it later. */
	uint32_t epoch = atomic_load_explicit(&gate->epoch.value, memory_order_seq_cst);

	/* Pairs with gate_sleepers(). */
	atomic_fetch_add_explicit(&gate->entered, 1, memory_order_seq_cst);
	return epoch;
}

/* S3: sleep until there is a wake-up after the epoch was read, or until the deadline. May return
 * for no reason, so the caller looks again. Returns true if a signal handler ran. */
static bool gate_sleep(struct gate *gate, uint32_t epoch, const struct timespec *deadline)
{
	/* Pairs with wake(). */
	if (atomic_load_explicit(&gate->epoch.value, memory_order_seq_cst) != epoch ||
	    deadline_has_passed(deadline))
		return false;
	/* A statistic; orders nothing. */
	atomic_fetch_add_explicit(&gate->slept, 1, memory_order_relaxed);
	return sys_sleep(&gate->epoch, epoch, deadline);
}

/* S4. */
static void gate_leave(struct gate *gate)
{
	/* Pairs with gate_sleepers() and gate_wake_new(). */
	atomic_fetch_add_explicit(&gate->left, 1, memory_order_seq_cst);
}

/* Make the steps S1 to S4, again and again, until look(arg) returns true. Returns 0 then,
 * -ETIMEDOUT after the deadline, or, if interruptible, -EINTR after a signal handler ran. */
static int gate_wait(struct gate *gate, gate_look *look, void *arg, const struct timespec *deadline,
                     bool interruptible)
{
	bool interrupted = false;

	while (!look(arg, false)) {
		uint32_t epoch;
		bool found;

		if (interrupted && interruptible)
			return -EINTR;
		if (deadline_has_passed(deadline))
			return look(arg, true) ? 0 : -ETIMEDOUT;
		epoch = gate_announce(gate);
		found = look(arg, true);
		if (!found)
			interrupted = gate_sleep(gate, epoch,
			                         deadline_for_sleep(deadline, interruptible));
		gate_leave(gate);
		if (found)
			return 0;
	}
	return 0;
}

/* W2. Returns how many threads are between S1 and S4. */
static inline uint32_t gate_sleepers(const struct gate *gate)
{
	/* Read left first: a sleeper that leaves in between is counted, so no sleeper is
	 * overlooked. */
	uint32_t left = atomic_load_explicit(&gate->left, memory_order_seq_cst);

	/* Pairs with gate_announce(). */
	return atomic_load_explicit(&gate->entered, memory_order_seq_cst) - left;
}

/* W3. */
SLOW_PATH static void wake(struct gate *gate, uint32_t n)
{
	/* Pairs with gate_announce() and gate_sleep(). */
	atomic_fetch_add_explicit(&gate->epoch.value, 1, memory_order_seq_cst);
	/* A statistic; orders nothing. */
	atomic_fetch_add_explicit(&gate->woken, 1, memory_order_relaxed);
	sys_wake(&gate->epoch, n);
}

/* W2 and W3: wake up to n sleepers; n may exceed their number. Lock-free; a system call if there
 * are any. */
static void gate_wake(struct gate *gate, uint64_t n)
{
	uint32_t sleepers = gate_sleepers(gate);

	if (n > 0 && sleepers > 0)
		wake(gate, n < sleepers ? (uint32_t)n : sleepers);
}

/* As gate_wake(), but it does not wake anew the sleepers that it has woken and that have not left
 * yet. The caller keeps *woken for it, which starts at 0. At most entered - *woken sleepers have
 * not been woken (see `woken` in lib/DESIGN.md). For one thread at a time; other threads may use
 * gate_wake(). */
SLOW_PATH static void gate_wake_new(struct gate *gate, uint32_t *woken, uint64_t n)
{
	/* Pair with gate_leave() and gate_announce(). */
	uint32_t left = atomic_load_explicit(&gate->left, memory_order_seq_cst);
	uint32_t entered = atomic_load_explicit(&gate->entered, memory_order_seq_cst);

	if ((int32_t)(*woken - left) < 0)
		*woken = left;
	if (n > entered - *woken)
		n = entered - *woken;
	if (n > 0) {
		*woken += (uint32_t)n;
		wake(gate, (uint32_t)n);
	}
}

/* Returns whether a sleeper that gate_wake_new() woke has not left yet. */
static inline bool gate_is_waking(const struct gate *gate, uint32_t woken)
{
	/* A hint; orders nothing. */
	return (int32_t)(woken - atomic_load_explicit(&gate->left, memory_order_relaxed)) > 0;
}

#endif
