/*
 * The threads of a run: one producer and its consumers, each pinned, with its handle on the queue,
 * and let go together. What they do is the workload's.
 */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "workload.h"

struct crew_member {
	const struct bench_run *run;
	const struct bench_queue *calls; /* == run->queue */
	void *queue;                     /* for join and shutdown */
	void *handle;                    /* for everything else */
	size_t number;                   /* of a consumer, from 0; of the producer 0 */
	size_t bulk;                     /* items per call: 1 when the queue cannot do more */
	void *job;                       /* the workload's own, shared by all */
	struct bench_result *result;
};

struct crew {
	const struct bench_run *run;
	void *job;
	struct bench_result *result;
	void (*produce)(struct crew_member *me); /* ends with crew_shut_down() */
	void (*consume)(struct crew_member *me); /* ends when a get says -ESHUTDOWN */
};

/* Makes the queue, runs all threads to their end, destroys the queue. A failure marks the run void.
 */
void crew_run(const struct crew *crew);

/* A call of the queue said error: void, and the end of this process. */
_Noreturn void crew_fail(struct crew_member *me, const char *call, int error);

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
	return (size_t)got;
}

static inline void crew_done(struct crew_member *me, size_t n)
{
	int error = me->calls->task_done(me->handle, n);

	if (error)
		crew_fail(me, "task_done", error);
}

/* Room for the items of one call, all zero; the caller frees it. */
void *crew_buffer(struct crew_member *me);

/* Puts the numbers from..to-1 in order, by as many as a call takes; buffer: of crew_buffer(). */
void crew_put_numbers(struct crew_member *me, void *buffer, uint64_t from, uint64_t to);

/* The number of an item in such a buffer. */
static inline uint64_t crew_number(const struct crew_member *me, const void *buffer, size_t i)
{
	uint64_t n;

	memcpy(&n, (const char *)buffer + i * me->run->point.item_size, sizeof(n));
	return n;
}

void crew_join(struct crew_member *me);
void crew_shut_down(struct crew_member *me);

#endif
