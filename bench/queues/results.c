/*
 * Chunks of touched memory, handed out by one shared counter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure/common.h"
#include "results.h"

static size_t chunks_for(size_t items, size_t consumers)
{
	/* Each consumer may leave a chunk partly filled. */
	return items / RESULTS_CHUNK + 1 + consumers;
}

size_t results_pool_bytes(size_t items, size_t consumers)
{
	return chunks_for(items, consumers) * sizeof(struct results_chunk);
}

static void touch(void *memory, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* Faster. A kernel that has no huge pages ignores it. */
	madvise(memory, bytes, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
	(void)madvise(memory, bytes, MADV_POPULATE_WRITE);
#endif
	/* Also if the kernel has mapped the pages: see measure/common.c. */
	for (size_t i = 0; i < bytes; i += page)
		((volatile char *)memory)[i] = 0;
}

static void *own_memory(size_t bytes)
{
	void *memory =
	        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	touch(memory, bytes);
	return memory;
}

int results_pool_create(struct results_pool *pool, size_t items, size_t consumers, bool is_common)
{
	size_t bytes = results_pool_bytes(items, consumers);
	size_t physical = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);

	if (bytes > physical / 10 * 9) /* else the kernel may kill us when we touch it */
		return -ENOMEM;
	pool->chunks = is_common ? common_alloc(1, bytes) : own_memory(bytes);
	if (!pool->chunks)
		return -ENOMEM;
	pool->bytes = bytes;
	pool->is_common = is_common;
	atomic_init(&pool->handed_out, 0);
	return 0;
}

void results_pool_destroy(struct results_pool *pool)
{
	if (pool->is_common)
		common_free(pool->chunks);
	else
		munmap(pool->chunks, pool->bytes);
}

static struct results_chunk *next_chunk(struct results_pool *pool)
{
	/* Only the number is shared; the chunk is this consumer's alone. */
	size_t number = atomic_fetch_add_explicit(&pool->handed_out, 1, memory_order_relaxed);

	if (number >= pool->bytes / sizeof(*pool->chunks))
		return NULL;
	return &pool->chunks[number];
}

void results_open(struct results *results, struct results_pool *pool)
{
	results->pool = pool;
	/* Never NULL: the pool has a spare chunk for each consumer. */
	results->first = results->last = next_chunk(pool);
	results->next = results->first->squares;
	results->end = results->next + RESULTS_CHUNK;
}

void results_close(struct results *results)
{
	results->last->used = (size_t)(results->next - results->last->squares);
}

void results_extend(struct results *results)
{
	struct results_chunk *chunk = next_chunk(results->pool);

	if (chunk) {
		results_close(results);
		results->last->next = chunk;
		results->last = chunk;
	}
	results->next = results->last->squares;
	results->end = results->next + RESULTS_CHUNK;
}
