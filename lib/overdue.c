/*
 * Items overdue: when to look, and how long to wait.
 */
#include "overdue.h"

#include "clock.h"

/* How often to look: about every LOOK_NS, and after each put if they come further apart; but if
 * puts turn slow, or nobody slept, it may take STRIDE_MOST of them to notice. Looking at the clock
 * that often costs a stream of single items nothing that could be measured. */
enum { LOOK_NS = 10000, STRIDE_MOST = 1024, STRIDE_FIRST = 16 };

/* How long items may wait: a sleeper takes some 50 us to come when it is rung. Doubled each time it
 * does not help: then it is processors that are wanting. */
enum { PATIENCE_NS = 100000 };

INTERNAL void overdue_init(struct overdue *overdue)
{
	overdue->stride = STRIDE_FIRST;
	overdue->looked = 0;
	overdue->head = 0;
	overdue->since = 0;
	overdue->patience = 0;
}

INTERNAL bool overdue_is_time(struct overdue *overdue, bool needed)
{
	int64_t now = needed ? clock_ns() : overdue->looked;
	int64_t passed = now - overdue->looked;

	overdue->looked = now;
	if (passed > 4 * LOOK_NS)
		overdue->stride = 1;
	else if (passed < LOOK_NS && overdue->stride < STRIDE_MOST)
		overdue->stride *= 2;
	return passed >= LOOK_NS;
}

INTERNAL bool overdue_look(struct overdue *overdue, uint64_t head, bool any)
{
	if (!any || head != overdue->head) {
		overdue->head = head;
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
