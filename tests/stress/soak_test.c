/*
 * Many threads make all calls at once, for as long as wanted (tests/soak): queues of random shape,
 * two threads that hand the producer side to each other, consumers that come and go, reports of
 * items that other threads got, threads that join or read the size, and both kinds of shutdown in
 * the middle. Afterwards every item was got once or discarded, and the counters agree.
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/item.h"
#include "support/worker.h"
#include <stdio.h>
#include <string.h>

enum {
	NUMBERS = 1 << 18,
	PRODUCERS = 2,
	CONSUMERS = 10, /* at a time */
	OTHERS = 2,     /* joiners, and lookers */
	CREW = PRODUCERS + CONSUMERS + OTHERS,
	MANY = 16,
	ITEM_MOST = 40,
	TURNS = 3000,
};

struct life {
	struct spmcq *q;
	uint64_t seed;
	size_t item_size, capacity;
	bool now;       /* how it is shut down */
	uint32_t limit; /* numbers to put at most */
	_Atomic bool over;
	_Atomic uint64_t streams;
	_Atomic uint32_t placed; /* the producer's to write */
	_Atomic uint64_t held;   /* got by threads that have ended; for anybody to report */
	_Atomic uint32_t got;
	_Atomic unsigned char times[NUMBERS];
};

static struct chance own_chance(struct life *life)
{
	return chance_stream(life->seed, atomic_fetch_add(&life->streams, 1));
}

static ssize_t one(int result)
{
	return result == 0 ? 1 : result;
}

static ssize_t put_somehow(struct life *life, struct chance *chance, const void *items, size_t n)
{
	struct timespec deadline = spmcq_after((double)chance_below(chance, 200) * 1e-6);

	switch (chance_below(chance, 6)) {
	case 0:
		return one(spmcq_put_until(life->q, items, &deadline));
	case 1:
		return one(spmcq_try_put(life->q, items));
	case 2:
		return spmcq_try_put_many(life->q, items, n);
	default:
		return spmcq_put_many_until(life->q, items, n, &deadline);
	}
}

static ssize_t get_somehow(struct life *life, struct chance *chance, void *items, size_t max)
{
	struct timespec deadline = spmcq_after((double)chance_below(chance, 200) * 1e-6);

	switch (chance_below(chance, 6)) {
	case 0:
		return one(spmcq_get(life->q, items));
	case 1:
		return one(spmcq_get_until(life->q, items, &deadline));
	case 2:
		return one(spmcq_try_get(life->q, items));
	case 3:
		return spmcq_get_many_until(life->q, items, max, &deadline);
	case 4:
		return spmcq_try_get_many(life->q, items, max);
	default:
		return spmcq_get_many(life->q, items, max);
	}
}

static bool is_no_harm(ssize_t result)
{
	return result > 0 || result == -EAGAIN || result == -ETIMEDOUT;
}

static void produce(void *arg)
{
	struct life *life = arg;
	struct chance chance = own_chance(life);
	unsigned char items[MANY * ITEM_MOST];
	ssize_t result = 1;

	while (result != -ESHUTDOWN && !atomic_load(&life->over)) {
		uint32_t placed = atomic_load(&life->placed);
		size_t n = 1 + (size_t)chance_below(&chance, MANY);

		if (placed + MANY > life->limit)
			break;
		for (size_t i = 0; i < n; i++)
			item_fill(items + i * life->item_size, life->item_size, placed + i);
		result = put_somehow(life, &chance, items, n);
		/* The other thread that puts is the producer. */
		if (result == -EPERM) {
			sleep_ms(1);
			continue;
		}
		CHECK(is_no_harm(result) || result == -ESHUTDOWN, "put returned %zd", result);
		/* Before the side is handed on: the next one goes on from there. */
		if (result > 0)
			atomic_store(&life->placed, placed + (uint32_t)result);
		chance_pause(&chance);
	}
	(void)spmcq_release_producer(life->q);
}

static void report_for_others(struct life *life)
{
	uint64_t held = atomic_exchange(&life->held, 0);

	if (held > 0)
		RETURNS(0, spmcq_task_done_many(life->q, held));
}

static void consume(void *arg)
{
	struct life *life = arg;
	struct chance chance = own_chance(life);
	unsigned char items[MANY * ITEM_MOST];
	uint64_t held = 0, turns = chance_below(&chance, TURNS);
	ssize_t n = 1;

	for (uint64_t turn = 0; n != -ESHUTDOWN && turn < turns; turn++) {
		n = get_somehow(life, &chance, items, 1 + chance_below(&chance, MANY));
		CHECK(is_no_harm(n) || n == -ESHUTDOWN, "get returned %zd", n);
		for (ssize_t i = 0; i < n; i++) {
			unsigned char *item = items + (size_t)i * life->item_size;
			uint64_t number = item_number(item, life->item_size);

			CHECK(number < life->limit && item_is(item, life->item_size, number),
			      "an item is torn: number %llu", (unsigned long long)number);
			CHECK(atomic_fetch_add(&life->times[number], 1) == 0, "item %llu again",
			      (unsigned long long)number);
		}
		if (n > 0) {
			atomic_fetch_add(&life->got, (uint32_t)n);
			held += (uint64_t)n;
		}
		if (held > 0 && chance_below(&chance, 4) > 0) {
			RETURNS(0, spmcq_task_done_many(life->q, held));
			held = 0;
		}
		if (chance_below(&chance, 4) == 0)
			report_for_others(life);
		chance_pause(&chance);
	}
	atomic_fetch_add(&life->held, held);
}

static void look_on(void *arg)
{
	struct life *life = arg;
	struct chance chance = own_chance(life);

	while (!atomic_load(&life->over)) {
		struct timespec deadline = spmcq_after((double)chance_below(&chance, 500) * 1e-6);
		int joined = spmcq_join_until(life->q, &deadline);

		CHECK(joined == 0 || joined == -ETIMEDOUT, "join returned %d", joined);
		CHECK(spmcq_size(life->q) <= life->capacity, "size is beyond capacity");
		(void)spmcq_unfinished(life->q);
		(void)stats_of(life->q);
		chance_pause(&chance);
	}
}

static void expect_balance(struct life *life)
{
	struct spmcq_stats stats = stats_of(life->q);
	uint32_t placed = atomic_load(&life->placed), got = atomic_load(&life->got), once = 0;

	for (uint32_t n = 0; n < placed; n++)
		once += atomic_load(&life->times[n]);
	COUNTS(got, once);
	COUNTS(placed, stats.put);
	COUNTS(got, stats.got);
	COUNTS(got, stats.done);
	COUNTS(placed - got, stats.discarded);
	CHECK(life->now || got == placed, "%u put, %u got", placed, got);
	COUNTS(0, spmcq_size(life->q));
	COUNTS(0, spmcq_unfinished(life->q));
}

static void live(struct life *life, struct chance *chance)
{
	static struct worker crew[CREW];
	uint64_t checks = 5 + chance_below(chance, 200);

	for (size_t i = 0; i < CREW; i++)
		worker_start(&crew[i],
		             i < PRODUCERS               ? produce
		             : i < PRODUCERS + CONSUMERS ? consume
		                                         : look_on,
		             life);
	for (uint64_t check = 0; check < checks; check++) {
		for (size_t i = PRODUCERS; i < PRODUCERS + CONSUMERS; i++)
			if (atomic_load(&crew[i].back)) {
				worker_join(&crew[i]);
				worker_start(&crew[i], consume, life);
			}
		sleep_ms(1);
	}
	RETURNS(0, life->now ? spmcq_shutdown_now(life->q) : spmcq_shutdown(life->q));
	atomic_store(&life->over, true);
	for (size_t i = 0; i < CREW; i++)
		worker_join(&crew[i]);
	/* The consumers that were to drain the queue may have ended before it was empty. */
	for (unsigned char item[ITEM_MOST]; spmcq_try_get(life->q, item) == 0;) {
		atomic_fetch_add(&life->times[item_number(item, life->item_size)], 1);
		atomic_fetch_add(&life->got, 1);
		atomic_fetch_add(&life->held, 1);
	}
	report_for_others(life);
	RETURNS(0, spmcq_join(life->q));
}

static void everything_at_once_loses_nothing(void)
{
	static const size_t capacities[] = {1, 2, 3, 7, 64, 1000};
	static const size_t item_sizes[] = {4, 8, 9, 24, 40};
	static struct life life;
	struct chance chance = chance_stream(chance_seed(), 1);
	uint64_t end = stress_end(), lives = 0, items = 0;

	do {
		memset(&life, 0, sizeof(life));
		life.seed = chance_next(&chance);
		life.capacity = capacities[chance_below(&chance, COUNT_OF(capacities))];
		life.item_size = item_sizes[chance_below(&chance, COUNT_OF(item_sizes))];
		life.now = chance_below(&chance, 2);
		life.limit = NUMBERS;
		life.q = queue_at(life.capacity, life.item_size, chance_next(&chance));
		check_doing("queue %llu: capacity %zu, items of %zu bytes",
		            (unsigned long long)lives, life.capacity, life.item_size);
		live(&life, &chance);
		expect_balance(&life);
		queue_free(life.q);
		lives++;
		items += atomic_load(&life.placed);
	} while (!stress_is_over(end));
	printf("# %llu queues, %llu items\n", (unsigned long long)lives, (unsigned long long)items);
}

int main(void)
{
	RUN(everything_at_once_loses_nothing);
	return check_finish();
}
