/*
 * Makes one blocking call of a queue of numbers, in a thread of its own (worker.h).
 */
#ifndef BLOCKED_H
#define BLOCKED_H

#include "fixture.h"

struct blocked {
	struct spmcq *q;
	const struct timespec *deadline; /* of the calls that take one */
	uint32_t numbers[5];             /* to put, or got */
	size_t n;                        /* for the calls that put many */
	ssize_t result;
};

/* Each takes a struct blocked. */

static inline void in_get(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_get(call->q, call->numbers);
}

static inline void in_get_until(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_get_until(call->q, call->numbers, call->deadline);
}

static inline void in_get_many(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_get_many(call->q, call->numbers, COUNT_OF(call->numbers));
}

static inline void in_get_many_until(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_get_many_until(call->q, call->numbers, COUNT_OF(call->numbers),
	                                    call->deadline);
}

/* Those that put give the producer's side back. */
static inline void in_put(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_put(call->q, call->numbers);
	RETURNS(0, spmcq_release_producer(call->q));
}

static inline void in_put_until(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_put_until(call->q, call->numbers, call->deadline);
	RETURNS(0, spmcq_release_producer(call->q));
}

static inline void in_put_many(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_put_many(call->q, call->numbers, call->n);
	RETURNS(0, spmcq_release_producer(call->q));
}

static inline void in_put_many_until(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_put_many_until(call->q, call->numbers, call->n, call->deadline);
	RETURNS(0, spmcq_release_producer(call->q));
}

static inline void in_join(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_join(call->q);
}

static inline void in_join_until(void *blocked)
{
	struct blocked *call = blocked;

	call->result = spmcq_join_until(call->q, call->deadline);
}

#endif
