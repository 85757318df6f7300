/*
 * Gates between processes. A sleeper 1 reads the epoch, then adds to `entered`, 2 looks once more,
 * 3 sleeps while the epoch is the same. Who brings something 1 brings it, 2 reads `gone`, then
 * `entered`; if they differ, 3 adds to the epoch and wakes some; if it found fewer asleep than it
 * wanted to wake, it moves `gone` from what it read to the `entered` that it read.
 *
 * All of it is sequentially consistent. If the sleeper's 1 comes before the bringer's 2, the
 * bringer wakes it, or it sees another epoch and does not sleep; else the sleeper's 2 finds what
 * was brought. Moving `gone` forgets nobody: who had entered before 2 is awake by then, or will see
 * another epoch in its 3; who entered later is not counted by it.
 *
 * `entered` is no count of who sleeps, so a sleeper that is killed leaves nothing behind but one
 * wake-up in vain. If others write nonsense into a gate, a sleeper looks again after SLICE_NS.
 */
#ifndef SPMCQ_SHARED_WAIT_H
#define SPMCQ_SHARED_WAIT_H

#include "handle.h"

/* Returns the epoch. */
INTERNAL uint32_t gate_announce(struct shared_gate *gate);

/* Sleep until woken after the epoch, for SLICE_NS, or until the deadline. */
enum gate_woken { GATE_WOKEN, GATE_SLICE, GATE_SIGNAL };
INTERNAL enum gate_woken gate_sleep(struct shared_gate *gate, uint32_t epoch,
                                    const struct timespec *deadline, bool interruptible);

/* Wake up to n that sleep. */
INTERNAL void gate_wake(struct handle *h, struct shared_gate *gate, uint64_t n);

static inline bool gate_has_waiters(struct shared_gate *gate)
{
	/* gone first: it is never ahead. */
	uint32_t gone = atomic_load_explicit(&gate->gone, memory_order_seq_cst);

	return atomic_load_explicit(&gate->entered, memory_order_seq_cst) != gone;
}

/* Let a moment pass: others may need the processor. */
INTERNAL void pause_and_yield(void);

/* Around all waiting, for destroy. */
INTERNAL void enter(struct handle *h);
INTERNAL void leave(struct handle *h);

#endif
