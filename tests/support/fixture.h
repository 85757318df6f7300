/*
 * Queues as most tests want them: of numbers, made and freed in one line.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "check.h"
#include <errno.h>
#include <inttypes.h>
#include <spmcq.h>

/* The type of the numbers. A test that is built with WORDS=1 has items of 8 bytes, which take
 * shorter paths in the queue between processes. PRI_ITEM is for printf. */
#ifndef WORDS
#define WORDS 0
#endif
#if WORDS
typedef uint64_t item_value;
#define PRI_ITEM PRIu64
#else
typedef uint32_t item_value;
#define PRI_ITEM PRIu32
#endif

/* The shapes every promise is tried with. */
static const size_t all_capacities[] = {1, 2, 3, 5, 1000, 1024};
static const size_t all_item_sizes[] = {1, 3, 8, 24, 100};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline struct spmcq *queue_at(size_t capacity, size_t item_size, uint64_t first_position)
{
	struct spmcq_options options = {.first_position = first_position};
	struct spmcq *q = NULL;

	RETURNS(0, spmcq_create(&q, capacity, item_size, &options));
	CHECK(q, "create returned 0 and no queue");
	return q;
}

static inline struct spmcq *queue_of(size_t capacity)
{
	return queue_at(capacity, sizeof(item_value), 0);
}

static inline void queue_free(struct spmcq *q)
{
	RETURNS(0, spmcq_destroy(q));
}

/* Puts the numbers first..first+n-1, which must fit. */
static inline void put_numbers(struct spmcq *q, item_value first, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		item_value number = first + i;

		RETURNS(0, spmcq_try_put(q, &number));
	}
}

/* Gets the numbers first..first+n-1, which must be there. */
static inline void get_numbers(struct spmcq *q, item_value first, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		item_value number = ~first;

		RETURNS(0, spmcq_try_get(q, &number));
		CHECK(number == first + i, "got %" PRI_ITEM ", not %" PRI_ITEM, number, first + i);
	}
}

static inline struct spmcq_stats stats_of(const struct spmcq *q)
{
	struct spmcq_stats stats;

	RETURNS(0, spmcq_stats(q, &stats));
	return stats;
}

#endif
