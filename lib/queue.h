/*
 * The queue consists of a ring, a completion counter, a watch and four gates.
 *
 *   items     consumers wait until they are woken for an item   woken by put and get
 *   reserve   consumers wait for an item, some ms at most       woken by put and get
 *   room      the producer waits for room                       woken by get
 *   finished  joiners wait for all done                         woken by task_done
 *
 * shutdown also wakes the threads at the first three gates, and shutdown_now the joiners if all is
 * done once it has discarded items.
 *
 * The public calls are in create.c, put.c, get.c, finish.c and snapshot.c. Each call tries the ring
 * or the counter first, and waits at a gate only if that fails.
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

#include <sched.h>

struct spmcq {
	struct elsewhere
	        elsewhere; /* put is NULL, and the rest unused, in a queue between threads */
	/* Set by create, then only read. */
	bool unchecked;
	bool interruptible;
	/* The producer's side. room_... and looked_ns: for await_room(), look_for_half() and
	 * is_full() in put.c. */
	_Atomic uint64_t producer;         /* thread_id() of the producer, or NO_THREAD */
	uint32_t woken;                    /* for gate_wake_new() at items */
	uint32_t reserve_woken;            /* the same at reserve */
	int64_t looked_ns;                 /* when await_room() last returned */
	unsigned room_ns;                  /* how long its next sleep for half the ring may last */
	unsigned room_waits;               /* calls of look_for_half() */
	uint64_t room_found;               /* free slots that the last look of a try call found */
	unsigned room_patience;            /* pauses that look_for_half() may make next time */
	unsigned room_pauses;              /* pauses that it makes before its first look */
	_Atomic uint64_t wake_producer_at; /* when head gets there, wake the producer */
	_Atomic uint32_t producer_woken;   /* room.entered when a consumer last woke it */
	struct gate items;
	struct watch watch;  /* counts the consumers that wait for items */
	struct gate reserve; /* where reserves sleep (see watch.h) */
	struct gate room;
	struct gate finished;
	_Atomic uint32_t inside; /* threads that wait or are about to; for destroy */
	struct tally tally;
	struct ring ring;
};
_Static_assert(offsetof(struct spmcq, ring) + sizeof(struct ring) == sizeof(struct spmcq),
               "the slots must follow the queue");
_Static_assert(sizeof(struct spmcq) <= sizeof(struct elsewhere_face), "it looks like a queue");

/* Returns whether the queue lies elsewhere. */
FAST_PATH bool is_elsewhere(const struct spmcq *q)
{
	return __builtin_expect(q->elsewhere.put != NULL, 0);
}

/* Called before a thread waits; leave() after it. Relaxed: by contract destroy comes after all
 * calls, and only checks for threads that still wait. */
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

/* Pause by a yield, which takes a microsecond or less if no other thread wants to run. A consumer
 * yields while items come in a stream, as the threads that it waits for may need this processor. */
static void pause_and_yield(void)
{
	sched_yield();
}

/* Pause for a microsecond. A consumer that waits for single items spins: if it yielded to a thread
 * that computes, it would get the processor back only after that thread's time slice. */
static void pause_and_spin(void)
{
	struct timespec end = spmcq_after(1e-6);

	do
		ck_pr_stall();
	while (!deadline_has_passed(&end));
}

#endif
