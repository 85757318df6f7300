/*
 * Makes a thread the leader, for tests that compile the library in.
 */
#ifndef LEADING_H
#define LEADING_H

#include "support/fixture.h"

#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 0 /* there is no lead */
#endif

/* Returns whether a consumer leads: its lead is in head, and nobody has ended it. */
static inline bool is_led(struct spmcq *q)
{
#ifdef SPMCQ_LEAD
	return atomic_load(&q->ring.cursor.head) & LEAD;
#else
	(void)q;
	return false;
#endif
}

static inline void skip_without_lead(struct spmcq *q)
{
#ifndef SPMCQ_LEAD
	check_skip("the library is built without the lead");
#endif
	if (!q->ring.cursor.can_lead)
		check_skip("this system cannot make all threads fence");
}

/* Puts and gets the numbers from 0 on, and reports them, until the calling thread leads. Returns
 * how many. An item has 4 bytes, or 8. */
static inline uint32_t take_the_lead(struct spmcq *q)
{
	uint32_t item[2] = {0}, n = 0;

	skip_without_lead(q);
	for (; !is_led(q); n++) {
		CHECK(n < 1000 * SPMCQ_LEAD_AFTER, "no lead after %u items", n);
		item[0] = n;
		RETURNS(0, spmcq_put(q, item));
		item[0] = ~n;
		RETURNS(0, spmcq_get(q, item));
		CHECK(item[0] == n, "got %u, not %u", item[0], n);
		RETURNS(0, spmcq_task_done(q));
	}
	return n;
}

#endif
