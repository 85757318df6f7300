/*
 * A thread that waits for its time sleeps first, and spins at the end.
 */
#include <ck_pr.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "pace.h"

/* A sleep ends this long before its time. Measured here: with 1 ns of timer slack half of the
 * sleeps end over 60 us late, a tenth over 130. */
enum { PACE_EARLY_NS = 150 * 1000 };

/* For less than this the thread spins, because a sleep costs several microseconds of CPU. */
enum { PACE_LEAST_SLEEP_NS = 20 * 1000 };

/* Between two looks at the clock that are further apart than this, somebody else had the CPU. */
enum { PACE_GAP_NS = 2 * 1000 };

void pace_begin(struct pace *pace, uint64_t interval_ns, uint64_t later_ns)
{
#ifdef __linux__
	prctl(PR_SET_TIMERSLACK, 1ul); /* of this thread; usual are 50 us */
#endif
	*pace = (struct pace){.start_ns = clock_now() + later_ns, .interval_ns = interval_ns};
}

uint64_t pace_wait(struct pace *pace, uint64_t n)
{
	uint64_t due = pace_due(pace, n), now = clock_now();

	if (now + PACE_EARLY_NS + PACE_LEAST_SLEEP_NS < due) {
		clock_sleep_until(due - PACE_EARLY_NS);
		now = clock_now();
	}
	while (now < due) {
		uint64_t before = now;

		ck_pr_stall();
		now = clock_now();
		if (now - before < PACE_GAP_NS)
			pace->spun_ns += now - before;
	}
	return now;
}
