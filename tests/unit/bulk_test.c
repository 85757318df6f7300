/*
 * put_many and get_many move all, some or no items, in order, and copy them correctly where the
 * slots end.
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/item.h"
#include "support/worker.h"
#include <stdlib.h>
#include <string.h>

/* A buffer of exactly n items, numbered from first. */
static void *numbered(size_t n, size_t size, uint64_t first)
{
	char *items = malloc(n * size);

	for (size_t i = 0; i < n; i++)
		item_fill(items + i * size, size, first + i);
	return items;
}

static ssize_t try_put_run(struct spmcq *q, size_t n, uint64_t first)
{
	void *items = numbered(n, spmcq_item_size(q), first);
	ssize_t placed = spmcq_try_put_many(q, items, n);

	free(items);
	return placed;
}

/* Gets up to max and wants n of them, numbered from first. */
static void get_run(struct spmcq *q, size_t max, ssize_t n, uint64_t first)
{
	size_t size = spmcq_item_size(q);
	char *items = malloc(max * size);

	RETURNS(n, spmcq_try_get_many(q, items, max));
	for (ssize_t i = 0; i < n; i++)
		CHECK(item_is(items + (size_t)i * size, size, first + (uint64_t)i),
		      "item %zd of the run has number %llu, not %llu", i,
		      (unsigned long long)item_number(items + (size_t)i * size, size),
		      (unsigned long long)(first + (uint64_t)i));
	free(items);
}

static void try_put_many_places_what_fits(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		size_t capacity = all_capacities[c];

		for (size_t fill = 0; fill <= capacity; fill += 1 + capacity / 7) {
			struct spmcq *q = queue_at(capacity, 24, UINT64_MAX - 2);
			ssize_t room = (ssize_t)(capacity - fill);

			check_doing("capacity %zu, fill %zu", capacity, fill);
			if (fill)
				RETURNS((ssize_t)fill, try_put_run(q, fill, 0));
			RETURNS(room ? room : -EAGAIN, try_put_run(q, capacity + 3, fill));
			COUNTS(capacity, spmcq_size(q));
			RETURNS(-EAGAIN, try_put_run(q, 1, 0));
			get_run(q, capacity + 5, (ssize_t)capacity, 0);
			get_run(q, 1, -EAGAIN, 0);
			queue_free(q);
		}
	}
}

static void get_many_takes_no_more_than_max(void)
{
	struct spmcq *q = queue_at(10, 3, 0);

	RETURNS(10, try_put_run(q, 10, 100));
	get_run(q, 1, 1, 100);
	get_run(q, 4, 4, 101);
	get_run(q, 5, 5, 105);
	get_run(q, 1, -EAGAIN, 0);
	RETURNS(3, try_put_run(q, 3, 110));
	get_run(q, 100, 3, 110);
	queue_free(q);
}

/* A consumer that remembers an old tail must still get the items that were put later. */
static void get_many_takes_all_that_is_there(void)
{
	for (ssize_t first = 1; first <= 4; first++) {
		for (ssize_t taken = 1; taken <= first; taken++) {
			for (ssize_t more = 1; more <= 4; more++) {
				struct spmcq *q = queue_at(8, 8, 0);

				check_doing("%zd put, %zd got, %zd put", first, taken, more);
				RETURNS(first, try_put_run(q, (size_t)first, 0));
				get_run(q, (size_t)taken, taken, 0);
				RETURNS(more, try_put_run(q, (size_t)more, (uint64_t)first));
				get_run(q, 20, first - taken + more, (uint64_t)taken);
				queue_free(q);
			}
		}
	}
}

/* The same the other way round: room that was made since must be found. */
static void try_put_many_finds_all_the_room_there_is(void)
{
	for (ssize_t got = 1; got <= 5; got++) {
		for (ssize_t more = 1; got + more <= 8; more++) {
			struct spmcq *q = queue_at(8, 8, 0);

			check_doing("%zd got, then %zd", got, more);
			RETURNS(8, try_put_run(q, 8, 0));
			get_run(q, (size_t)got, got, 0);
			RETURNS(1, try_put_run(q, 1, 8));
			get_run(q, (size_t)more, more, (uint64_t)got);
			RETURNS(got - 1 + more, try_put_run(q, 20, 9));
			COUNTS(8, spmcq_size(q));
			queue_free(q);
		}
	}
}

static void runs_of_every_length_cross_every_wrap(void)
{
	static const uint64_t firsts[] = {0, UINT32_MAX - 5, UINT64_MAX / 2 - 5, UINT64_MAX - 5};

	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		for (size_t s = 0; s < COUNT_OF(all_item_sizes); s++) {
			struct chance chance = chance_stream(chance_seed(), c * 100 + s);
			struct spmcq *q = queue_at(all_capacities[c], all_item_sizes[s],
			                           firsts[(c + s) % COUNT_OF(firsts)]);
			uint64_t put = 0, got = 0, capacity = all_capacities[c];

			check_doing("capacity %zu, item size %zu", all_capacities[c],
			            all_item_sizes[s]);
			for (int step = 0; step < 300; step++) {
				size_t n = 1 + (size_t)chance_below(&chance, capacity + 2);
				ssize_t room = (ssize_t)(capacity - (put - got));
				ssize_t fits = (ssize_t)n < room ? (ssize_t)n : room;
				ssize_t there;

				RETURNS(fits ? fits : -EAGAIN, try_put_run(q, n, put));
				put += (uint64_t)fits;
				n = 1 + (size_t)chance_below(&chance, capacity + 2);
				there = (ssize_t)(put - got < n ? put - got : n);
				get_run(q, n, there ? there : -EAGAIN, got);
				got += (uint64_t)there;
			}
			queue_free(q);
		}
	}
}

struct big_put {
	struct spmcq *q;
	size_t n;
	ssize_t result;
};

static void put_all(void *arg)
{
	struct big_put *put = arg;
	void *items = numbered(put->n, spmcq_item_size(put->q), 0);

	put->result = spmcq_put_many(put->q, items, put->n);
	free(items);
}

static void put_many_of_more_than_capacity_places_all(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		struct spmcq *q = queue_at(all_capacities[c], 8, 0);
		struct big_put put = {q, 3 * all_capacities[c] + 2, 0};
		struct worker worker;

		check_doing("capacity %zu", all_capacities[c]);
		worker_start(&worker, put_all, &put);
		worker_await_sleep(&worker);
		COUNTS(all_capacities[c], spmcq_size(q));
		for (uint64_t n = 0; n < put.n; n++) {
			char item[8];

			RETURNS(0, spmcq_get(q, item));
			CHECK(item_is(item, 8, n), "item %llu came out as %llu",
			      (unsigned long long)n, (unsigned long long)item_number(item, 8));
		}
		worker_join(&worker);
		RETURNS((ssize_t)put.n, put.result);
		RETURNS(-EAGAIN, spmcq_try_get(q, &(uint64_t){0}));
		queue_free(q);
	}
}

static void a_deadline_midway_tells_how_many_were_placed(void)
{
	struct spmcq *q = queue_of(5);
	struct timespec past = {0, 0}, soon = spmcq_after(0.05);
	uint32_t numbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};

	RETURNS(5, spmcq_put_many_until(q, numbers, 8, &soon));
	RETURNS(-ETIMEDOUT, spmcq_put_many_until(q, numbers + 5, 3, &past));
	RETURNS(-ETIMEDOUT, spmcq_put_many_until(q, numbers + 5, 3, &soon));
	get_numbers(q, 0, 2);
	RETURNS(2, spmcq_put_many_until(q, numbers + 5, 3, &past));
	get_numbers(q, 2, 5);
	RETURNS(3, spmcq_put_many_until(q, numbers, 3, &past));
	COUNTS(3, spmcq_size(q));
	queue_free(q);
}

static void shutdown_midway_tells_how_many_were_placed(void)
{
	struct spmcq *q = queue_at(5, 8, 0);
	struct big_put put = {q, 8, 0};
	struct worker worker;

	worker_start(&worker, put_all, &put);
	worker_await_sleep(&worker);
	RETURNS(0, spmcq_shutdown(q));
	worker_join(&worker);
	RETURNS(5, put.result);
	get_run(q, 8, 5, 0);
	get_run(q, 8, -ESHUTDOWN, 0);
	queue_free(q);
}

static void get_many_waits_for_the_first_item_only(void)
{
	struct spmcq *q = queue_of(10);
	struct timespec past = {0, 0}, later = spmcq_after(1000);
	uint32_t numbers[10];

	put_numbers(q, 0, 3);
	RETURNS(3, spmcq_get_many(q, numbers, 10));
	put_numbers(q, 3, 1);
	RETURNS(1, spmcq_get_many_until(q, numbers, 10, &later));
	put_numbers(q, 4, 2);
	RETURNS(2, spmcq_get_many_until(q, numbers, 10, &past));
	CHECK(numbers[0] == 4 && numbers[1] == 5, "got %u, %u", numbers[0], numbers[1]);
	put_numbers(q, 6, 2);
	RETURNS(2, spmcq_get_many_until(q, numbers, 10, NULL));
	queue_free(q);
}

static void null_and_zero_are_refused(void)
{
	struct spmcq *q = queue_of(5);
	struct timespec later = spmcq_after(1000);
	uint32_t numbers[3] = {0, 1, 2};

	RETURNS(-EINVAL, spmcq_put_many(NULL, numbers, 3));
	RETURNS(-EINVAL, spmcq_put_many(q, NULL, 3));
	RETURNS(-EINVAL, spmcq_put_many(q, numbers, 0));
	RETURNS(-EINVAL, spmcq_try_put_many(NULL, numbers, 3));
	RETURNS(-EINVAL, spmcq_try_put_many(q, NULL, 3));
	RETURNS(-EINVAL, spmcq_try_put_many(q, numbers, 0));
	RETURNS(-EINVAL, spmcq_put_many_until(NULL, numbers, 3, &later));
	RETURNS(-EINVAL, spmcq_put_many_until(q, NULL, 3, &later));
	RETURNS(-EINVAL, spmcq_put_many_until(q, numbers, 0, &later));
	RETURNS(-EINVAL, spmcq_get_many(NULL, numbers, 3));
	RETURNS(-EINVAL, spmcq_get_many(q, NULL, 3));
	RETURNS(-EINVAL, spmcq_get_many(q, numbers, 0));
	RETURNS(-EINVAL, spmcq_try_get_many(NULL, numbers, 3));
	RETURNS(-EINVAL, spmcq_try_get_many(q, NULL, 3));
	RETURNS(-EINVAL, spmcq_try_get_many(q, numbers, 0));
	RETURNS(-EINVAL, spmcq_get_many_until(NULL, numbers, 3, &later));
	RETURNS(-EINVAL, spmcq_get_many_until(q, NULL, 3, &later));
	RETURNS(-EINVAL, spmcq_get_many_until(q, numbers, 0, &later));
	COUNTS(0, stats_of(q).put);
	queue_free(q);
}

int main(void)
{
	RUN(try_put_many_places_what_fits);
	RUN(get_many_takes_no_more_than_max);
	RUN(get_many_takes_all_that_is_there);
	RUN(try_put_many_finds_all_the_room_there_is);
	RUN(runs_of_every_length_cross_every_wrap);
	RUN(put_many_of_more_than_capacity_places_all);
	RUN(a_deadline_midway_tells_how_many_were_placed);
	RUN(shutdown_midway_tells_how_many_were_placed);
	RUN(get_many_waits_for_the_first_item_only);
	RUN(null_and_zero_are_refused);
	return check_finish();
}
