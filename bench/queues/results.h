/*
 * Where the consumers of squares leave what they found: chunks of memory touched beforehand and
 * handed out as they fill, so that no page fault is timed and memory is 16 bytes an item however
 * the consumers share the items.
 */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct square {
	uint64_t n;
	uint64_t squared; /* modulo 2^64 */
};

/* 64 KiB: one shared add per 4095 items, and little is left over per consumer. */
enum { RESULTS_CHUNK = 64 * 1024 / sizeof(struct square) - 1 };

struct results_chunk {
	struct results_chunk *next; /* of the same consumer, in order; NULL: the last */
	size_t used;                /* set when the chunk is full or its consumer leaves */
	struct square squares[RESULTS_CHUNK];
};

struct results_pool {
	struct results_chunk *chunks;
	size_t bytes;
	bool is_common;
	_Atomic size_t handed_out; /* chunks; by any consumer */
};

/* One consumer's list. Only that consumer touches it until it has left. */
struct results {
	struct results_pool *pool;
	struct results_chunk *first, *last;
	struct square *next, *end; /* room in last */
};

/* Memory for so many items among so many consumers, touched: 0 or -ENOMEM. is_common: consumers are
 * processes, and the pool itself is in common memory (measure/common.h). */
int results_pool_create(struct results_pool *pool, size_t items, size_t consumers, bool is_common);
void results_pool_destroy(struct results_pool *pool);
size_t results_pool_bytes(size_t items, size_t consumers);

void results_open(struct results *results, struct results_pool *pool);
void results_close(struct results *results);

/* Continue in a fresh chunk. A consumer that gets more than was put finds no more room: the last
 * chunk is then used again, and the check finds items missing. */
void results_extend(struct results *results);

static inline void results_append(struct results *results, uint64_t n)
{
	if (results->next == results->end)
		results_extend(results);
	*results->next++ = (struct square){n, n * n};
}

#endif
