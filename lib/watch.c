/*
 * How a looker becomes a sleeper or a reserve: see watch.h.
 */
#include "watch.h"

INTERNAL bool watch_lie_down(struct watch *watch, bool crowd, bool held)
{
	uint64_t before = atomic_load_explicit(&watch->word, memory_order_seq_cst);
	uint64_t after;
	bool reserve;

	do {
		after = (held ? before : before & ~WATCH_CROWD) - WATCH_LOOKER;
		reserve = crowd || held || after % WATCH_SLEEPER >= WATCH_LOOKER;
		if (crowd)
			after |= WATCH_CROWD;
		after += reserve ? WATCH_RESERVE : WATCH_SLEEPER;
	} while (!atomic_compare_exchange_weak_explicit(
	        &watch->word, &before, after, memory_order_seq_cst, memory_order_seq_cst));
	return reserve;
}
