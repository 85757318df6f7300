/*
 * Sleeping and waking. The protocol is in gate.h.
 */
#include "gate.h"

#include "deadline.h"

#include <errno.h>

INTERNAL int gate_init(struct gate *gate)
{
	atomic_init(&gate->entered, 0);
	atomic_init(&gate->left, 0);
	atomic_init(&gate->slept, 0);
	atomic_init(&gate->woken, 0);
	return sys_word_init(&gate->epoch);
}

INTERNAL void gate_destroy(struct gate *gate)
{
	sys_word_destroy(&gate->epoch);
}

static void count(_Atomic uint64_t *counter)
{
	/* A statistic; orders nothing. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

INTERNAL uint32_t gate_announce(struct gate *gate)
{
	/* Read the epoch first: a waking thread that sees us enter raises it later. */
	uint32_t epoch = atomic_load_explicit(&gate->epoch.value, memory_order_seq_cst);

	/* Pairs with gate_sleepers(), as explained in gate.h. */
	atomic_fetch_add_explicit(&gate->entered, 1, memory_order_seq_cst);
	return epoch;
}

INTERNAL bool gate_sleep(struct gate *gate, uint32_t epoch, const struct timespec *deadline)
{
	/* Pairs with wake(). */
	if (atomic_load_explicit(&gate->epoch.value, memory_order_seq_cst) != epoch ||
	    deadline_has_passed(deadline))
		return false;
	count(&gate->slept);
	return sys_sleep(&gate->epoch, epoch, deadline);
}

INTERNAL void gate_leave(struct gate *gate)
{
	/* Pairs with gate_sleepers() and gate_wake_new(). */
	atomic_fetch_add_explicit(&gate->left, 1, memory_order_seq_cst);
}

INTERNAL int gate_wait(struct gate *gate, gate_look *look, void *arg,
                       const struct timespec *deadline, bool interruptible)
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

SLOW_PATH static void wake(struct gate *gate, uint32_t n)
{
	/* Pairs with gate_announce() and gate_sleep(). */
	atomic_fetch_add_explicit(&gate->epoch.value, 1, memory_order_seq_cst);
	count(&gate->woken);
	sys_wake(&gate->epoch, n);
}

INTERNAL void gate_wake(struct gate *gate, uint64_t n)
{
	uint32_t sleepers = gate_sleepers(gate);

	if (n > 0 && sleepers > 0)
		wake(gate, n < sleepers ? (uint32_t)n : sleepers);
}

/* At most entered - *woken sleepers have not been woken yet: see `woken` in lib/DESIGN.md. */
SLOW_PATH INTERNAL void gate_wake_new(struct gate *gate, uint32_t *woken, uint64_t n)
{
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
