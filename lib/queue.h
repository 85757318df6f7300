/*
 * The queue: a ring, a completion counter and three gates to wait at. No pointers: it may lie
 * anywhere, in as many places as it is mapped to.
 *
 *   items     consumers wait for an item   rung by put
 *   room      the producer waits for room  rung by get
 *   finished  joiners wait for all done    rung by task_done and shutdown_now
 *
 * The public calls are in put.c, get.c, finish.c and shutdown.c. Each tries at the ring first, and
 * only waits at a gate if it must.
 */
#ifndef SPMCQ_QUEUE_H
#define SPMCQ_QUEUE_H

#include "spmcq.h"

#include "gate.h"
#include "overdue.h"
#include "ring.h"
#include "tally.h"

struct spmcq {
	/* Set by create, then only read, but for producer. */
	bool unchecked;
	_Atomic uint64_t
	        producer; /* self_id() of who owns the put side; NOBODY: whoever puts next */
	struct overdue overdue;
	struct gate items;
	struct gate room;
	_Atomic uint64_t room_at; /* the head that the producer sleeps for */
	struct gate finished;
	_Atomic uint64_t discarded; /* items thrown away by shutdown_now */
	_Atomic uint32_t inside;    /* threads that wait or are about to; for destroy */
	struct tally tally;
	struct ring ring;
};
_Static_assert(offsetof(struct spmcq, ring) + sizeof(struct ring) == sizeof(struct spmcq),
               "the slots must follow the queue");

static inline bool is_deadline(const struct timespec *deadline)
{
	return deadline == NULL || (deadline->tv_nsec >= 0 && deadline->tv_nsec <= 999999999);
}

/* Of a count of one, or an error. */
static inline int status(ssize_t r)
{
	return r < 0 ? (int)r : 0;
}

/* Around all waiting. Relaxed: destroy is for after everything else, and only looks for who is
 * still there. */
static inline void enter(struct spmcq *q)
{
	atomic_fetch_add_explicit(&q->inside, 1, memory_order_relaxed);
}

/* Release, pairs with spmcq_destroy(). */
static inline void leave(struct spmcq *q)
{
	atomic_fetch_sub_explicit(&q->inside, 1, memory_order_release);
}

/* If all is done, let the joiners know. While an item waits in the ring it is not: the report of
 * that item is to come, and will look again. r: returned. */
INTERNAL int ring_finished(struct spmcq *q, int r);

#endif
