/*
 * Items overdue: when to look, and how long to wait.
 */
#include "overdue.h"

#include "clock.h"
#include "ring.h"

/* How often to look: about every LOOK_NS, and after each put if they come further apart; but if
 * puts turn slow it may take STRIDE_MOST of them to notice, and STRIDE_AWAKE when nobody slept
 * before. Looking at the clock that often costs a stream of single items nothing that could be
 * measured. */
enum { LOOK_NS = 10000, STRIDE_FIRST = 16, STRIDE_AWAKE = 64, STRIDE_MOST = 1024 };

/* How long so many items may wait, or all there are: a sleeper takes some 50 us to come when it is
 * rung. Doubled each time it does not help: then it is processors that are wanting. */
enum { PATIENCE_NS = 100000, PATIENCE_ITEMS = 16 };

INTERNAL void overdue_init(struct overdue *overdue, uint64_t first)
{
	overdue->stride = STRIDE_FIRST;
	overdue->looked = 0;
	overdue->goal = first;
	overdue->since = 0;
	overdue->patience = PATIENCE_NS;
}

INTERNAL bool overdue_is_time(struct overdue *overdue, bool needed)
{
	int64_t now, passed;

	if (!needed) {
		overdue->stride = STRIDE_AWAKE;
		return false;
	}
	now = clock_ns();
	passed = now - overdue->looked;
	overdue->looked = now;
	if (passed > 4 * LOOK_NS)
		overdue->stride = 1;
	else if (passed < LOOK_NS && overdue->stride < STRIDE_MOST)
		overdue->stride *= 2;
	return passed >= LOOK_NS;
}

INTERNAL bool overdue_look(struct overdue *overdue, uint64_t head, uint64_t tail)
{
	int64_t items = ring_distance(head, tail);

	if (ring_distance(head, overdue->goal) <= 0) {
		overdue->goal = head + (uint64_t)(items < PATIENCE_ITEMS ? items : PATIENCE_ITEMS);
		overdue->since = overdue->looked;
		overdue->patience = PATIENCE_NS;
		return false;
	}
	if (overdue->looked - overdue->since < overdue->patience)
		return false;
	overdue->since = overdue->looked;
	overdue->patience *= 2;
	return true;
}
