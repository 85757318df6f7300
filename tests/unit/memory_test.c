/*
 * Memory: create survives every allocation that fails, asks for no more than promised, and is the
 * only call that allocates. The linker sends the library's calls here (--wrap).
 */
#include "support/fixture.h"
#include "support/worker.h"
#include <ck_md.h>
#include <stdlib.h>
#include <sys/mman.h>

static _Atomic bool counting;
static _Atomic size_t allocations; /* while counting */
static _Atomic size_t releases;
static _Atomic size_t bytes;
static size_t fail_at; /* the allocation that fails, from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *at, size_t size);
void __real_free(void *memory);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *at, size_t size);
void __wrap_free(void *memory);

/* True if this allocation may go on. */
static bool allow(size_t size)
{
	if (!atomic_load(&counting))
		return true;
	if (atomic_fetch_add(&allocations, 1) + 1 == fail_at) {
		atomic_fetch_sub(&allocations, 1);
		fail_at = 0;
		errno = ENOMEM;
		return false;
	}
	atomic_fetch_add(&bytes, size);
	return true;
}

static void release(const void *memory)
{
	if (atomic_load(&counting) && memory)
		atomic_fetch_add(&releases, 1);
}

void *__wrap_malloc(size_t size)
{
	return allow(size) ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allow(n * size) ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	return allow(size) ? __real_realloc(old, size) : NULL;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return allow(size) ? __real_aligned_alloc(alignment, size) : NULL;
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
	return allow(size) ? __real_posix_memalign(memory, alignment, size) : ENOMEM;
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
	return allow(size) ? __real_mmap(at, size, protection, flags, file, offset) : MAP_FAILED;
}

int __wrap_munmap(void *at, size_t size)
{
	release(at);
	return __real_munmap(at, size);
}

void __wrap_free(void *memory)
{
	release(memory);
	__real_free(memory);
}

static void start_counting(size_t fail)
{
	atomic_store(&allocations, 0);
	atomic_store(&releases, 0);
	atomic_store(&bytes, 0);
	fail_at = fail;
	atomic_store(&counting, true);
}

/* Makes the first allocation of create fail, then the second, and so on, until create makes fewer
 * allocations than that. */
static void create_survives_every_failing_allocation(void)
{
	static char untouched;

	for (size_t fail = 1; fail < 100; fail++) {
		struct spmcq *q = (struct spmcq *)(void *)&untouched;
		int result;

		check_doing("allocation %zu fails", fail);
		start_counting(fail);
		result = spmcq_create(&q, 10, 24, NULL);
		if (result == 0) {
			CHECK(fail > 1, "create never asked for memory, or did not notice");
			CHECK(fail_at == fail, "create did not notice");
			RETURNS(0, spmcq_destroy(q));
			COUNTS(atomic_load(&allocations), atomic_load(&releases));
			return;
		}
		RETURNS(-ENOMEM, result);
		CHECK((void *)q == &untouched, "a failed create changed the pointer");
		COUNTS(atomic_load(&allocations), atomic_load(&releases));
	}
	CHECK(false, "create asks for memory 100 times");
}

static void create_asks_for_no_more_than_promised(void)
{
	enum { FIXED = 370 * CK_MD_CACHELINE };

	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		for (size_t s = 0; s < COUNT_OF(all_item_sizes); s++) {
			size_t slots = 1, slot = (all_item_sizes[s] + 7) / 8 * 8;
			struct spmcq *q = NULL;

			while (slots < all_capacities[c])
				slots *= 2;
			start_counting(0);
			RETURNS(0, spmcq_create(&q, all_capacities[c], all_item_sizes[s], NULL));
			CHECK(atomic_load(&bytes) <= slots * slot + FIXED,
			      "%zu items of %zu bytes take %zu", all_capacities[c],
			      all_item_sizes[s], atomic_load(&bytes));
			RETURNS(0, spmcq_destroy(q));
			COUNTS(atomic_load(&allocations), atomic_load(&releases));
		}
	}
}

static void consume(void *arg)
{
	struct timespec soon = spmcq_after(0.001);
	uint32_t numbers[3];
	ssize_t n;

	if (spmcq_get_until(arg, numbers, &soon) == 0)
		(void)spmcq_task_done(arg);
	while ((n = spmcq_get_many(arg, numbers, 3)) > 0)
		(void)spmcq_task_done_many(arg, (size_t)n);
}

static void join_all(void *arg)
{
	(void)spmcq_join(arg);
}

/* Every call, with threads that sleep, and more threads than a table of the library may hold. */
static void no_call_after_create_allocates(void)
{
	struct spmcq *q = queue_of(3);
	struct worker workers[100], joiner;

	start_counting(0);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_start(&workers[i], consume, q);
	for (uint32_t i = 0; i < 3000; i++)
		RETURNS(0, spmcq_put(q, &i));
	worker_start(&joiner, join_all, q);
	RETURNS(3, spmcq_put_many(q, (uint32_t[]){1, 2, 3}, 3));
	(void)spmcq_try_put(q, &(uint32_t){0});
	if (spmcq_try_get(q, &(uint32_t){0}) == 0)
		RETURNS(0, spmcq_task_done(q));
	(void)stats_of(q);
	RETURNS(0, spmcq_release_producer(q));
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(0, spmcq_shutdown_now(q));
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	worker_join(&joiner);
	COUNTS(0, atomic_load(&allocations));
	COUNTS(0, atomic_load(&releases));
	atomic_store(&counting, false);
	queue_free(q);
}

int main(void)
{
	RUN(create_survives_every_failing_allocation);
	RUN(create_asks_for_no_more_than_promised);
	RUN(no_call_after_create_allocates);
	return check_finish();
}
