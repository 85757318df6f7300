/*
 * Gates between processes.
 *
 * A sleeper: 1 reads the epoch, then adds to `entered`, 2 looks for what it wants once more, 3
 * sleeps while the epoch is the same. A bringer: 1 brings something, 2 reads `gone`, then
 * `entered`; if they differ, 3 adds to the epoch and wakes some; if fewer were asleep than it
 * wanted to wake, 4 moves `gone` from what it read to the `entered` that it read.
 *
 * Why no wake-up is lost. All of it is sequentially consistent. If the sleeper's 1 comes before the
 * bringer's 2, the bringer wakes it, or as many others as it means to wake, or it sees another
 * epoch and does not sleep; else the sleeper's 2 finds what was brought. Moving `gone` forgets no
 * sleeper. One that entered before the bringer's 2 is awake by then, or will see another epoch in
 * its 3. One that entered later is beyond the `entered` that the bringer read, so `gone` does not
 * count it.
 *
 * `entered` does not count who sleeps now, so a sleeper that is killed costs one wake-up in vain,
 * and nothing else. If others write nonsense into a gate, a sleeper still looks again after
 * SLICE_NS.
 */
#ifndef SPMCQ_SHARED_WAIT_H
#define SPMCQ_SHARED_WAIT_H

#include "handle.h"

/* Step 1 of a sleeper. Returns the epoch. */
INTERNAL uint32_t gate_announce(struct shared_gate *gate);

/* Step 3 of a sleeper: sleep until woken after the epoch, for SLICE_NS, or until the deadline. */
enum gate_woken { GATE_WOKEN, GATE_SLICE, GATE_SIGNAL };
INTERNAL enum gate_woken gate_sleep(struct shared_gate *gate, uint32_t epoch,
                                    const struct timespec *deadline, bool interruptible);

/* Steps 2 to 4 of a bringer: wake up to n sleepers. */
INTERNAL void gate_wake(struct handle *h, struct shared_gate *gate, uint64_t n);

static inline bool gate_has_waiters(struct shared_gate *gate)
{
	/* gone first: it is never ahead of entered. */
	uint32_t awake = atomic_load_explicit(&gate->awake, memory_order_seq_cst);

	return atomic_load_explicit(&gate->entered, memory_order_seq_cst) != awake;
}

/* Let others have the processor for a moment. */
INTERNAL void pause_and_yield(void);

/* Called around all waiting, so that destroy knows whether a thread is inside. */
INTERNAL void enter(struct handle *h);
INTERNAL void leave(struct handle *h);

#endif
