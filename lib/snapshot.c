/*
 * The public calls that only read: the version, facts and statistics of a queue, and the clock.
 */
#include "queue.h"

#include <errno.h>

const char *spmcq_version(void)
{
	return SPMCQ_VERSION;
}

/* Returns the facts of a queue that lies elsewhere. */
static struct elsewhere_facts look_elsewhere(const struct spmcq *q)
{
	struct elsewhere_facts facts;

	q->elsewhere.look(q, &facts);
	return facts;
}

size_t spmcq_capacity(const struct spmcq *q)
{
	if (q != NULL && is_elsewhere(q))
		return look_elsewhere(q).capacity;
	return q != NULL ? (size_t)q->ring.capacity : 0;
}

size_t spmcq_item_size(const struct spmcq *q)
{
	if (q != NULL && is_elsewhere(q))
		return look_elsewhere(q).item_size;
	return q != NULL ? q->ring.slots.item_size : 0;
}

size_t spmcq_size(const struct spmcq *q)
{
	if (q != NULL && is_elsewhere(q))
		return look_elsewhere(q).size;
	return q != NULL ? ring_size(&q->ring) : 0;
}

/* Returns to - from, or 0 if it is negative, as the two were read at different times. */
static uint64_t ahead(uint64_t from, uint64_t to)
{
	int64_t distance = position_distance(from, to);

	return distance > 0 ? (uint64_t)distance : 0;
}

size_t spmcq_unfinished(const struct spmcq *q)
{
	uint64_t done;

	if (q == NULL)
		return 0;
	if (is_elsewhere(q))
		return look_elsewhere(q).unfinished;
	/* Read the sum before tail, as in tally_is_all_done(). The result is never less than the
	 * number of unfinished items, with two exceptions: watched puts may not be visible yet, and
	 * the sum may include a report that will be withdrawn. */
	done = tally_sum(&q->tally, &q->ring);
	return (size_t)ahead(done,
	                     cursor_last(&q->ring.cursor, cursor_tail_glimpsed(&q->ring.cursor)));
}

bool spmcq_is_shutdown(const struct spmcq *q)
{
	if (q != NULL && is_elsewhere(q))
		return look_elsewhere(q).is_shutdown;
	return q == NULL || cursor_is_closed(&q->ring.cursor);
}

static uint64_t read_count(const _Atomic uint64_t *counter)
{
	/* A statistic; orders nothing. */
	return atomic_load_explicit(counter, memory_order_relaxed);
}

int spmcq_stats(const struct spmcq *q, struct spmcq_stats *out)
{
	uint64_t done, tail;

	if (q == NULL || out == NULL)
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.stats(q, out);
	done = tally_sum(&q->tally, &q->ring);
	out->done = ahead(q->ring.first, done);
	out->got = ahead(q->ring.first, cursor_head(&q->ring.cursor));
	tail = cursor_tail_glimpsed(&q->ring.cursor);
	out->put = ahead(q->ring.first, tail);
	out->discarded = ahead(cursor_last(&q->ring.cursor, tail), tail);
	out->consumer_sleeps = read_count(&q->items.slept) + read_count(&q->reserve.slept);
	out->producer_sleeps = read_count(&q->room.slept);
	out->joiner_sleeps = read_count(&q->finished.slept);
	out->wakeups = read_count(&q->items.woken) + read_count(&q->reserve.woken) +
	               read_count(&q->room.woken) + read_count(&q->finished.woken);
	return 0;
}

/* Returns the last second that a time_t holds. */
static time_t last_second(void)
{
	return sizeof(time_t) > sizeof(int32_t) ? (time_t)INT64_MAX : (time_t)INT32_MAX;
}

struct timespec spmcq_after(double seconds)
{
	struct timespec t;
	double whole;
	long nsec;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (!(seconds > 0))
		return t;
	if (seconds >= (double)(last_second() - t.tv_sec - 1)) {
		t.tv_sec = last_second();
		t.tv_nsec = 999999999;
		return t;
	}
	whole = (double)(time_t)seconds;
	nsec = t.tv_nsec + (long)((seconds - whole) * 1e9);
	t.tv_sec += (time_t)whole + nsec / 1000000000;
	t.tv_nsec = nsec % 1000000000;
	return t;
}
