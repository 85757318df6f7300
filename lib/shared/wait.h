/*
 * Gates between processes. Threads sleep at a gate; other threads wake them.
 *
 * A sleeper (S1) reads `epoch`, then adds 1 to `entered`; (S2) looks once more for what it waits
 * for; (S3) sleeps while `epoch` is unchanged. A waking thread (W1) publishes, for example an item;
 * (W2) reads `awake`, then `entered`; if they differ it (W3) adds 1 to `epoch` and wakes up to n
 * sleepers; then it (W4) moves `awake` by compare-and-swap from the value that it read: by n if n
 * slept, and otherwise to the `entered` that it read.
 *
 * Why no wake-up is lost. All accesses are sequentially consistent. If S1 comes after W2, S2 finds
 * what was published. If S1 comes before W2, either W3 wakes the sleeper, or W3 wakes n others, or
 * the sleeper sees the new epoch in S3 and does not sleep. After W4 no sleeper is missed either. If
 * n slept, `awake` counts these n in addition; it did not count them before, as they slept. If
 * fewer slept, a sleeper that entered before W2 is awake by then, or sees the new epoch in S3; a
 * sleeper that entered later is not in the `entered` that W2 read, so `awake` does not count it.
 *
 * No counter says how many threads sleep, so a sleeper that is killed costs one useless wake-up and
 * nothing else. If another process writes false values into a gate, a sleeper still looks again
 * after SLICE_NS.
 */
#ifndef SPMCQ_SHARED_WAIT_H
#define SPMCQ_SHARED_WAIT_H

#include "handle.h"

/* Step S1. Returns the epoch. */
INTERNAL uint32_t gate_announce(struct shared_gate *gate);

/* Step S3: sleep until a wake-up changes the given epoch, for SLICE_NS at most, or until the
 * deadline. Returns GATE_SLICE if the whole SLICE_NS has passed, GATE_SIGNAL if interruptible and a
 * signal handler ran. */
enum gate_woken { GATE_WOKEN, GATE_SLICE, GATE_SIGNAL };
INTERNAL enum gate_woken gate_sleep(struct shared_gate *gate, uint32_t epoch,
                                    const struct timespec *deadline, bool interruptible);

/* Steps W2 to W4: wake up to n sleepers. */
INTERNAL void gate_wake(struct handle *h, struct shared_gate *gate, uint64_t n);

static inline bool gate_has_waiters(struct shared_gate *gate)
{
	/* awake is read first, as it is never ahead of entered. */
	uint32_t awake = atomic_load_explicit(&gate->awake, memory_order_seq_cst);

	return atomic_load_explicit(&gate->entered, memory_order_seq_cst) != awake;
}

/* Let other threads have the processor for a moment. */
INTERNAL void pause_and_yield(void);

/* Called before and after each wait, so that destroy finds out whether a thread is inside. */
INTERNAL void enter(struct handle *h);
INTERNAL void leave(struct handle *h);

#endif
