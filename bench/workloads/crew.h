/*
 * The threads of a run: one producer and its consumers, each pinned, with its handle on the queue,
 * and let go together. What they do is the workload's. With a queue between processes each consumer
 * is a process; the job is then in common memory (measure/common.h), where consumers leave what
 * they found, and so are the counts below.
 *
 * Each thread counts its calls, on a cache line of its own. By these counts the producer checks
 * that all items are done when join returns, and, from time to time, that the queue holds no more
 * items than it may. For a run that did not finish, they say what its threads were doing.
 */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <string.h>

#include "measure/item.h"
#include "workload.h"

struct crew;

enum crew_stage { CREW_BUSY, CREW_IN_JOIN, CREW_IN_SHUTDOWN, CREW_GONE };

struct crew_member {
	const struct bench_run *run;
	const struct bench_queue *calls; /* == run->queue */
	void *queue;                     /* for join and shutdown */
	void *handle;                    /* for everything else */
	size_t number;                   /* of a consumer, from 0; of the producer 0 */
	size_t bulk;                     /* items per call: 1 when the queue cannot do more */
	void *job;                       /* the workload's own, for all of them */
	struct bench_result *result;
	struct crew *crew; /* whose counts are compared; NULL: nobody's */

	/* Written by this thread only. Each is one instruction of the inner loop. */
	alignas(64) int64_t left; /* items to put until the counts are compared */
	uint64_t put_then;        /* items put when left is 0; so far put_then - left were put */
	uint64_t got;             /* items that get returned */
	uint64_t through; /* of those, the finished ones; counted before task_done. The producer
	                   * reads it after join, which is what makes it visible */
	enum crew_stage stage;
};

struct crew_thread;

struct crew {
	const struct bench_run *run;
	void *job;
	struct bench_result *result;
	void (*produce)(struct crew_member *me); /* ends with crew_shut_down() */
	void (*consume)(struct crew_member *me); /* ends when a get says -ESHUTDOWN */
	bool is_rehearsal;                       /* of rehearsal.h */

	/* Of crew.c. */
	struct crew_thread *threads; /* the producer, then its consumers */
	char fault[120];             /* what the counts told, by the producer; "": nothing */
};

/* Rehearses, makes the queue, runs all threads to their end, destroys the queue. A failure marks
 * the run void. */
void crew_run(struct crew *crew);

/* After the workload's own check, which says more: marks the run void if the counts were wrong. */
void crew_judge(const struct crew *crew);

/* A call of the queue said error: void, and the end of this process. */
_Noreturn void crew_fail(struct crew_member *me, const char *call, int error);

/* Only the first fault is kept; in a rehearsal it ends this process. Called by the producer, in a
 * rehearsal by the consumer, too. */
__attribute__((format(printf, 2, 3))) void crew_fault(struct crew_member *me, const char *format,
                                                      ...);

/* Checks the bound: compares what was put with what the consumers got. Called by the producer. */
void crew_look(struct crew_member *me);

/* The items it has put. */
static inline uint64_t crew_has_put(const struct crew_member *me)
{
	return me->put_then - (uint64_t)me->left;
}

/* The calls of a member, inline: they are in every workload's inner loop. */

/* All n, in order. */
static inline void crew_put(struct crew_member *me, const void *items, size_t n)
{
	size_t item_size = me->run->point.item_size;
	const char *item = items;

	while (n > 0) {
		ssize_t placed = 1;
		int error = 0;

		if (me->bulk == 1)
			error = me->calls->put(me->handle, item);
		else
			placed = me->calls->put_many(me->handle, item, n);
		if (error || placed <= 0 || (size_t)placed > n)
			crew_fail(me, "put", error ? error : (int)placed);
		me->left -= placed;
		if (me->left <= 0)
			crew_look(me);
		item += (size_t)placed * item_size;
		n -= (size_t)placed;
	}
}

/* Up to me->bulk items. Returns how many; 0: shut down and drained. */
static inline size_t crew_get(struct crew_member *me, void *items)
{
	ssize_t got;

	if (me->bulk == 1) {
		int error = me->calls->get(me->handle, items);
		got = error ? error : 1;
	} else {
		got = me->calls->get_many(me->handle, items, me->bulk);
	}
	if (got == -ESHUTDOWN)
		return 0;
	if (got <= 0 || (size_t)got > me->bulk)
		crew_fail(me, "get", (int)got);
	me->got += (size_t)got;
	return (size_t)got;
}

static inline void crew_done(struct crew_member *me, size_t n)
{
	int error;

	me->through += n;
	error = me->calls->task_done(me->handle, n);
	if (error)
		crew_fail(me, "task_done", error);
}

/* Room for the items of one call, all zero; the caller frees it. */
void *crew_buffer(struct crew_member *me);

/* Puts the numbers from..to-1 in order, by as many as a call takes; buffer: of crew_buffer(). */
void crew_put_numbers(struct crew_member *me, void *buffer, uint64_t from, uint64_t to);

/* The number of an item in such a buffer; no number of the run if it is not whole. */
static inline uint64_t crew_number(const struct crew_member *me, const void *buffer, size_t i)
{
	size_t item_size = me->run->point.item_size;

	return item_read((const char *)buffer + i * item_size, item_size);
}

void crew_join(struct crew_member *me);
void crew_shut_down(struct crew_member *me);

#endif
