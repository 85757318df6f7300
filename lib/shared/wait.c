/*
 * Gates between processes: the futex calls. All accesses to a gate are sequentially consistent: see
 * wait.h.
 */
#include "wait.h"

#include "futex.h"

/* No sleep is longer than this. A thread that has slept for so long checks whether the producer or
 * a peer is gone, if that matters to it. */
enum { SLICE_NS = 100000000 };

INTERNAL uint32_t gate_announce(struct shared_gate *gate)
{
	uint32_t epoch = atomic_load_explicit(&gate->epoch, memory_order_seq_cst);

	atomic_fetch_add_explicit(&gate->entered, 1, memory_order_seq_cst);
	return epoch;
}

INTERNAL enum gate_woken gate_sleep(struct shared_gate *gate, uint32_t epoch,
                                    const struct timespec *deadline, bool interruptible)
{
	struct timespec slice = spmcq_after(1e-9 * SLICE_NS);
	const struct timespec *until = deadline_sooner(&slice, deadline);
	bool interrupted = futex_sleep(&gate->epoch, epoch, until, 0);

	if (interrupted && interruptible)
		return GATE_SIGNAL;
	return deadline_has_passed(&slice) ? GATE_SLICE : GATE_WOKEN;
}

INTERNAL void gate_wake(struct handle *h, struct shared_gate *gate, uint64_t n)
{
	uint32_t awake = atomic_load_explicit(&gate->awake, memory_order_seq_cst);
	uint32_t entered = atomic_load_explicit(&gate->entered, memory_order_seq_cst);
	uint32_t most = n > INT_MAX ? INT_MAX : (uint32_t)n, woken;

	if (entered == awake)
		return;
	atomic_fetch_add_explicit(&gate->epoch, 1, memory_order_seq_cst);
	/* Relaxed: a statistic. */
	atomic_fetch_add_explicit(&h->wakeups, 1, memory_order_relaxed);
	woken = futex_wake(&gate->epoch, most, 0);
	atomic_compare_exchange_strong_explicit(&gate->awake, &awake,
	                                        woken < most ? entered : awake + woken,
	                                        memory_order_seq_cst, memory_order_relaxed);
}

INTERNAL void pause_and_yield(void)
{
	sched_yield();
}

/* Relaxed: shared_destroy() only has to find threads that are still inside. */
INTERNAL void enter(struct handle *h)
{
	atomic_fetch_add_explicit(&h->inside, 1, memory_order_relaxed);
}

/* Release, pairs with shared_destroy() and return_to(): the thread does not use the handle any
 * more. */
INTERNAL void leave(struct handle *h)
{
	atomic_fetch_sub_explicit(&h->inside, 1, memory_order_release);
}
