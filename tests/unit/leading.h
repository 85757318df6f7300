/*
 * How a thread comes to lead. For tests that compile the library in.
 */
#ifndef LEADING_H
#define LEADING_H

#include "support/fixture.h"

/* Puts and gets the numbers from 0 on, and reports them, until the calling thread leads; how many.
 * An item has 4 bytes, or 8. */
static uint32_t take_the_lead(struct spmcq *q)
{
	uint32_t item[2] = {0}, n = 0;

	if (!q->ring.may_lead)
		check_skip("this system cannot make all threads fence");
	for (; !ring_is_led(&q->ring); n++) {
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
