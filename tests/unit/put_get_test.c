/*
 * put and get by one thread: exact bound, order, whole items, wrapping positions. The thread's
 * own model is two numbers: how many items it put and how many it got.
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/item.h"
#include <stdlib.h>
#include <string.h>

enum { GUARD = 16 }; /* bytes behind a buffer that no call may touch */

static const size_t capacities[] = {1, 2, 3, 5, 7, 8, 1000, 1024};

/* First positions shortly before 2^31, 2^32, 2^62, 2^63 and 2^64, so that positions wrap in every
 * way. */
static const uint64_t positions[] = {
        0,
        (UINT64_C(1) << 31) - 4,
        (UINT64_C(1) << 32) - 1,
        (UINT64_C(1) << 32) - 7,
        (UINT64_C(1) << 62) - 4,
        (UINT64_C(1) << 63) - 1,
        (UINT64_C(1) << 63) - 7,
        UINT64_MAX,
        UINT64_MAX - 6,
};

struct shape {
	size_t capacity;
	size_t item_size;
	uint64_t first;
};

static void for_every_shape(void (*property)(const struct shape *))
{
	for (size_t c = 0; c < COUNT_OF(capacities); c++) {
		for (size_t s = 0; s < COUNT_OF(all_item_sizes); s++) {
			for (size_t p = 0; p < COUNT_OF(positions); p++) {
				struct shape shape = {capacities[c], all_item_sizes[s],
				                      positions[p]};

				check_doing("capacity %zu, item size %zu, first position %llu",
				            shape.capacity, shape.item_size,
				            (unsigned long long)shape.first);
				property(&shape);
			}
		}
	}
}

/* A buffer of exactly size bytes, so that a sanitizer sees a read or write beyond. */
static int put_item(struct spmcq *q, size_t size, uint64_t n)
{
	void *item = malloc(size);
	int result;

	item_fill(item, size, n);
	result = spmcq_try_put(q, item);
	memset(item, 0x55, size); /* copied before the call returns, so this changes nothing */
	free(item);
	return result;
}

static void get_item(struct spmcq *q, size_t size, uint64_t n)
{
	void *item = malloc(size);

	RETURNS(0, spmcq_try_get(q, item));
	CHECK(item_is(item, size, n), "item %llu came out as number %llu or torn",
	      (unsigned long long)n, (unsigned long long)item_number(item, size));
	free(item);
}

static void fill_and_drain(const struct shape *shape)
{
	struct spmcq *q = queue_at(shape->capacity, shape->item_size, shape->first);
	char item[128] = {0};
	uint64_t put = 0, got = 0;

	for (int lap = 0; lap < 2; lap++) {
		for (size_t i = 0; i < shape->capacity; i++) {
			COUNTS(i, spmcq_size(q));
			RETURNS(0, put_item(q, shape->item_size, put++));
		}
		COUNTS(shape->capacity, spmcq_size(q));
		RETURNS(-EAGAIN, spmcq_try_put(q, item));
		RETURNS(-EAGAIN, spmcq_try_put_many(q, item, 1));
		for (size_t i = 0; i < shape->capacity; i++)
			get_item(q, shape->item_size, got++);
		COUNTS(0, spmcq_size(q));
		RETURNS(-EAGAIN, spmcq_try_get(q, item));
		RETURNS(-EAGAIN, spmcq_try_get_many(q, item, 1));
	}
	COUNTS(put, stats_of(q).put);
	COUNTS(got, stats_of(q).got);
	COUNTS(put, spmcq_unfinished(q));
	queue_free(q);
}

static void exactly_capacity_items_fit_in_every_lap(void)
{
	for_every_shape(fill_and_drain);
}

static void stay_at_one_fill(const struct shape *shape)
{
	for (size_t fill = 0; fill < shape->capacity; fill += 1 + shape->capacity / 3) {
		struct spmcq *q = queue_at(shape->capacity, shape->item_size, shape->first);
		uint64_t put = 0, got = 0;

		while (put < fill)
			RETURNS(0, put_item(q, shape->item_size, put++));
		while (got < shape->capacity + 9) {
			RETURNS(0, put_item(q, shape->item_size, put++));
			get_item(q, shape->item_size, got++);
		}
		COUNTS(fill, spmcq_size(q));
		queue_free(q);
	}
}

static void items_come_out_in_order_at_every_fill(void)
{
	for_every_shape(stay_at_one_fill);
}

static void random_steps(const struct shape *shape)
{
	struct spmcq *q = queue_at(shape->capacity, shape->item_size, shape->first);
	struct chance chance = chance_stream(chance_seed(), shape->capacity * shape->item_size);
	uint64_t put = 0, got = 0;

	for (int step = 0; step < 100; step++) {
		uint64_t n = chance_below(&chance, shape->capacity + 2);
		bool putting = chance_below(&chance, 2) == 0;

		for (; n > 0 && putting; n--) {
			int want = put - got == shape->capacity ? -EAGAIN : 0;

			RETURNS(want, put_item(q, shape->item_size, put));
			put += want == 0;
		}
		for (; n > 0 && got < put; n--)
			get_item(q, shape->item_size, got++);
		COUNTS(put - got, spmcq_size(q));
	}
	queue_free(q);
}

static void a_random_walk_meets_full_and_empty_exactly(void)
{
	for_every_shape(random_steps);
}

static void buffers_need_no_alignment(void)
{
	for (size_t s = 0; s < COUNT_OF(all_item_sizes); s++) {
		size_t size = all_item_sizes[s];
		struct spmcq *q = queue_at(3, size, 0);

		for (size_t shift = 0; shift < 16; shift++) {
			unsigned char from[128 + GUARD], to[128 + GUARD];

			check_doing("item size %zu, %zu bytes off", size, shift);
			memset(to, 0xee, sizeof(to));
			item_fill(from + shift, size, shift + 77);
			RETURNS(0, spmcq_put(q, from + shift));
			RETURNS(0, spmcq_get(q, to + (15 - shift)));
			CHECK(item_is(to + (15 - shift), size, shift + 77), "a torn item");
			for (size_t i = 0; i < sizeof(to); i++)
				CHECK((i >= 15 - shift && i < 15 - shift + size) || to[i] == 0xee,
				      "byte %zu, outside the item, was written", i);
		}
		queue_free(q);
	}
}

static void blocking_and_timed_calls_return_at_once_when_they_can(void)
{
	for (size_t c = 0; c < COUNT_OF(capacities); c++) {
		struct spmcq *q = queue_of(capacities[c]);
		struct timespec deadline = spmcq_after(100);

		for (uint32_t i = 0; i < capacities[c]; i++)
			RETURNS(0, i % 2 ? spmcq_put(q, &i) : spmcq_put_until(q, &i, &deadline));
		for (uint32_t i = 0; i < capacities[c]; i++) {
			uint32_t number = ~i;

			RETURNS(0, i % 2 ? spmcq_get(q, &number)
			                 : spmcq_get_until(q, &number, &deadline));
			CHECK(number == i, "got %u, not %u", number, i);
		}
		COUNTS(0, stats_of(q).consumer_sleeps + stats_of(q).producer_sleeps);
		queue_free(q);
	}
}

static void one_large_item_fits(void)
{
	size_t size = (size_t)3 << 20;
	struct spmcq *q = queue_at(1, size, 0);

	for (uint64_t n = 0; n < 3; n++) {
		RETURNS(0, put_item(q, size, n));
		RETURNS(-EAGAIN, put_item(q, size, n));
		get_item(q, size, n);
	}
	queue_free(q);
}

static void null_is_refused_and_changes_nothing(void)
{
	struct spmcq *q = queue_of(2);
	uint32_t item = 7;

	RETURNS(-EINVAL, spmcq_put(NULL, &item));
	RETURNS(-EINVAL, spmcq_put(q, NULL));
	RETURNS(-EINVAL, spmcq_try_put(NULL, &item));
	RETURNS(-EINVAL, spmcq_try_put(q, NULL));
	RETURNS(-EINVAL, spmcq_put_until(NULL, &item, NULL));
	RETURNS(-EINVAL, spmcq_put_until(q, NULL, NULL));
	RETURNS(-EINVAL, spmcq_get(NULL, &item));
	RETURNS(-EINVAL, spmcq_get(q, NULL));
	RETURNS(-EINVAL, spmcq_try_get(NULL, &item));
	RETURNS(-EINVAL, spmcq_try_get(q, NULL));
	RETURNS(-EINVAL, spmcq_get_until(NULL, &item, NULL));
	RETURNS(-EINVAL, spmcq_get_until(q, NULL, NULL));
	COUNTS(0, spmcq_size(q));
	put_numbers(q, 5, 1);
	RETURNS(-EINVAL, spmcq_try_get(q, NULL));
	COUNTS(1, spmcq_size(q));
	get_numbers(q, 5, 1);
	queue_free(q);
}

int main(void)
{
	RUN(exactly_capacity_items_fit_in_every_lap);
	RUN(items_come_out_in_order_at_every_fill);
	RUN(a_random_walk_meets_full_and_empty_exactly);
	RUN(buffers_need_no_alignment);
	RUN(blocking_and_timed_calls_return_at_once_when_they_can);
	RUN(one_large_item_fits);
	RUN(null_is_refused_and_changes_nothing);
	return check_finish();
}
