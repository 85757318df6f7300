/*
 * The queue: a ring, a completion counter and gates. It holds no pointers.
 *
 *   items     consumers wait for an item   woken by put
 *   room      the producer waits for room  woken by get
 *   finished  joiners wait for all done    woken by task_done and shutdown_now
 *
 * The public calls are in put.c, get.c, finish.c, shutdown.c, create.c and snapshot.c. Each tries
 * the ring or the counter first, and waits at a gate only if that fails.
 */
#ifndef SPMCQ_QUEUE_H
#define SPMCQ_QUEUE_H

#include "spmcq.h"

#include "deadline.h"
#include "elsewhere.h"
#include "gate.h"
#include "ring.h"
#include "tally.h"
#include "watch.h"

struct spmcq {
	const struct elsewhere *elsewhere; /* NULL: here. See struct elsewhere_face */
	/* Set by create, then only read. */
	bool unchecked;
	bool interruptible;
	/* The producer's side. */
	_Atomic uint64_t producer; /* thread_id() of the producer; NO_THREAD: the next to put */
	uint32_t woken;            /* see gate_wake_new(): for items, */
	uint32_t reserve_woken;    /* and for reserve */
	int64_t looked_ns;         /* when it last waited for room */
	unsigned room_waits;       /* calls of look_for_half(), */
	uint64_t room_found;       /* slots that a try call found free at its last look */
	unsigned room_patience;    /* the pauses that it may make, */
	unsigned room_pauses;      /* and those it made when it last found half the ring */
	_Atomic uint64_t wake_producer_at; /* head, for the room that it sleeps for */
	_Atomic uint32_t producer_woken;   /* room.entered when a consumer woke it last */
	struct gate items;
	struct watch watch;  /* of the consumers at items */
	struct gate reserve; /* where the reserves of them sleep */
	struct gate room;
	struct gate finished;
	_Atomic uint64_t discarded; /* items thrown away by shutdown_now */
	_Atomic uint32_t inside;    /* threads that wait or are about to; for destroy */
	struct tally tally;
	struct ring ring;
};
_Static_assert(offsetof(struct spmcq, ring) + sizeof(struct ring) == sizeof(struct spmcq),
               "the slots must follow the queue");
_Static_assert(sizeof(struct spmcq) <= sizeof(struct elsewhere_face), "it looks like a queue");

/* Returns whether the queue lies elsewhere. */
FAST_PATH bool is_elsewhere(const struct spmcq *q)
{
	return __builtin_expect(q->elsewhere != NULL, 0);
}

/* Returns 0 for a count, and an error as it is. */
static inline int count_to_status(ssize_t r)
{
	return r < 0 ? (int)r : 0;
}

/* Before all waiting; leave() comes after it. Relaxed: destroy comes after all calls, by contract,
 * and only looks for threads that still wait. */
static inline void enter(struct spmcq *q)
{
	atomic_fetch_add_explicit(&q->inside, 1, memory_order_relaxed);
}

/* Release, pairs with spmcq_destroy(). */
static inline void leave(struct spmcq *q)
{
	atomic_fetch_sub_explicit(&q->inside, 1, memory_order_release);
}

static inline struct cell *my_cell(struct spmcq *q)
{
	return cell_mine(&q->ring.cursor.cells);
}

/* Let about a microsecond pass. In a stream of items, yield: we may be waiting for the threads that
 * then run. For single items, spin: if the thread that runs next computes, we would get the
 * processor back only after its time slice. */
INTERNAL void pause_and_yield(void);
INTERNAL void pause_and_spin(void);

/* If all is done, wake the joiners. If an item is still in the ring, its report will look again.
 * cell: the caller's, where it may have reported. Returns r. */
INTERNAL int wake_joiners_if_done(struct spmcq *q, struct cell *cell, int r);

#endif
