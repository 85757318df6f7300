/*
 * spmcq_create: what it makes, and what it refuses.
 */
#include "support/fixture.h"
#include <stdlib.h>
#include <sys/resource.h>

static char untouched; /* its address stands for a pointer that create must leave as it was */

static void expect_refusal(int want, size_t capacity, size_t item_size)
{
	struct spmcq *q = (struct spmcq *)(void *)&untouched;

	check_doing("create(%zu items of %zu bytes)", capacity, item_size);
	RETURNS(want, spmcq_create(&q, capacity, item_size, NULL));
	CHECK((void *)q == &untouched, "a refused create changed the pointer to %p", (void *)q);
}

static void a_new_queue_is_empty_and_has_the_given_shape(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		for (size_t s = 0; s < COUNT_OF(all_item_sizes); s++) {
			struct spmcq *q = NULL;
			struct spmcq_stats stats;

			check_doing("%zu items of %zu", all_capacities[c], all_item_sizes[s]);
			RETURNS(0, spmcq_create(&q, all_capacities[c], all_item_sizes[s], NULL));
			COUNTS(all_capacities[c], spmcq_capacity(q));
			COUNTS(all_item_sizes[s], spmcq_item_size(q));
			COUNTS(0, spmcq_size(q));
			COUNTS(0, spmcq_unfinished(q));
			CHECK(!spmcq_is_shutdown(q), "a new queue is shut down");
			stats = stats_of(q);
			CHECK(stats.put + stats.got + stats.discarded + stats.done +
			                      stats.consumer_sleeps + stats.producer_sleeps +
			                      stats.joiner_sleeps + stats.wakeups ==
			              0,
			      "a new queue has stats");
			queue_free(q);
		}
	}
}

static void null_and_zero_are_refused(void)
{
	expect_refusal(-EINVAL, 0, 8);
	expect_refusal(-EINVAL, 8, 0);
	expect_refusal(-EINVAL, 0, 0);
	expect_refusal(-EINVAL, 0, SIZE_MAX);
	expect_refusal(-EINVAL, SIZE_MAX, 0);
	RETURNS(-EINVAL, spmcq_create(NULL, 8, 8, NULL));
}

static void a_product_beyond_the_address_space_is_refused(void)
{
	static const size_t factors[] = {2, 3, 8, 24, 1000, 4096, SIZE_MAX / 2, SIZE_MAX};

	for (size_t i = 0; i < COUNT_OF(factors); i++) {
		expect_refusal(-EOVERFLOW, SIZE_MAX, factors[i]);
		expect_refusal(-EOVERFLOW, factors[i], SIZE_MAX);
		expect_refusal(-EOVERFLOW, SIZE_MAX / factors[i] + 1, factors[i]);
		expect_refusal(-EOVERFLOW, factors[i], SIZE_MAX / factors[i] + 1);
		/* Can be represented, but no object is larger than PTRDIFF_MAX. */
		expect_refusal(-EOVERFLOW, SIZE_MAX / factors[i], factors[i]);
	}
	expect_refusal(-EOVERFLOW, SIZE_MAX, 1);
	expect_refusal(-EOVERFLOW, 1, SIZE_MAX);
	expect_refusal(-EOVERFLOW, SIZE_MAX - 7, 1);
	expect_refusal(-EOVERFLOW, SIZE_MAX / 2 + 1, 1);
	expect_refusal(-EOVERFLOW, SIZE_MAX / 2 + 2, 1);
	expect_refusal(-EOVERFLOW, 1, SIZE_MAX / 2 + 1);
	/* The item would fit, but not with the queue's struct before it. */
	expect_refusal(-EOVERFLOW, 1, PTRDIFF_MAX - 7);
	expect_refusal(-EOVERFLOW, (size_t)1 << (sizeof(size_t) * 4),
	               (size_t)1 << (sizeof(size_t) * 4));
}

/* The size is below PTRDIFF_MAX, but no machine has so much memory: create may return either
 * error. */
static void a_size_beyond_all_memory_is_refused(void)
{
	static const size_t bytes = (SIZE_MAX / 2) & ~(size_t)0xfff;

	for (unsigned shift = 0; shift < 12; shift++) {
		struct spmcq *q = (struct spmcq *)(void *)&untouched;
		size_t capacity = (bytes >> shift) - 4096;
		int result = spmcq_create(&q, capacity, (size_t)1 << shift, NULL);

		CHECK(result == -ENOMEM || result == -EOVERFLOW, "%zu items of %zu: %d", capacity,
		      (size_t)1 << shift, result);
		CHECK((void *)q == &untouched, "a refused create changed the pointer");
	}
}

static void no_memory_is_reported(void)
{
	struct rlimit limit = {(rlim_t)256 << 20, (rlim_t)256 << 20};
	void *beyond;

	if (CHECK_SANITIZED)
		check_skip("sanitizers need address space");
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		check_skip("no limit on address space here");
	/* qemu may ignore the limit. */
	beyond = malloc((size_t)1 << 30);
	free(beyond);
	if (beyond)
		check_skip("the limit on address space is not kept");
	expect_refusal(-ENOMEM, (size_t)1 << 27, 8);
	expect_refusal(-ENOMEM, 1, (size_t)1 << 30);
}

static void zeroed_options_are_the_defaults(void)
{
	struct spmcq_options options = {0};
	struct spmcq *q = NULL;

	RETURNS(0, spmcq_create(&q, 3, sizeof(uint32_t), &options));
	COUNTS(3, spmcq_capacity(q));
	put_numbers(q, 0, 3);
	get_numbers(q, 0, 3);
	queue_free(q);
}

static void any_first_position_will_do(void)
{
	static const uint64_t positions[] = {
	        1, UINT32_MAX, UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / 2 + 1, UINT64_MAX / 3};

	for (size_t i = 0; i < COUNT_OF(positions); i++) {
		struct spmcq *q = queue_at(3, sizeof(uint32_t), positions[i]);

		check_doing("first position %llu", (unsigned long long)positions[i]);
		COUNTS(0, spmcq_size(q));
		COUNTS(0, spmcq_unfinished(q));
		COUNTS(0, stats_of(q).put);
		RETURNS(-EAGAIN, spmcq_try_get(q, &(uint32_t){0}));
		put_numbers(q, 0, 3);
		COUNTS(3, spmcq_size(q));
		COUNTS(3, stats_of(q).put);
		get_numbers(q, 0, 3);
		COUNTS(3, stats_of(q).got);
		queue_free(q);
	}
}

static void many_queues_live_side_by_side(void)
{
	struct spmcq *queues[50];

	for (uint32_t i = 0; i < COUNT_OF(queues); i++) {
		queues[i] = queue_of(i + 1);
		put_numbers(queues[i], i * 100, i + 1);
	}
	for (uint32_t i = 0; i < COUNT_OF(queues); i++) {
		get_numbers(queues[i], i * 100, i + 1);
		queue_free(queues[i]);
	}
}

int main(void)
{
	RUN(a_new_queue_is_empty_and_has_the_given_shape);
	RUN(null_and_zero_are_refused);
	RUN(a_product_beyond_the_address_space_is_refused);
	RUN(a_size_beyond_all_memory_is_refused);
	RUN(no_memory_is_reported);
	RUN(zeroed_options_are_the_defaults);
	RUN(any_first_position_will_do);
	RUN(many_queues_live_side_by_side);
	return check_finish();
}
