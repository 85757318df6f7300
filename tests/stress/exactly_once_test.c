/*
 * One producer and 1 to 16 consumers with every mix of calls: each item is got once, whole, and
 * each consumer meets them in the order they were put.
 *
 *           +--> consumer 1 --+
 * producer -+--> ...          +--> times[n] == 1 for every number n
 *           +--> consumer N --+
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/item.h"
#include "support/worker.h"

enum { ITEMS_MAX = 4000, CONSUMERS_MAX = 16, BULK_MAX = 40 };

enum style {
	BLOCKING, /* put, get */
	TRYING,   /* try_put, try_get, again and again */
	TIMED,    /* put_until, get_until with deadlines that pass */
	BULK,     /* the _many calls */
	ANY,      /* a new choice for each call */
};

struct round {
	struct spmcq *q;
	uint64_t seed;
	uint64_t items;
	size_t item_size;
	enum style put_style;
	enum style get_style;
	bool pauses;
	_Atomic unsigned char times[ITEMS_MAX]; /* how often each number was got */
};

struct member {
	struct round *round;
	struct chance chance;
};

static enum style pick(enum style style, struct chance *chance)
{
	return style == ANY ? (enum style)chance_below(chance, ANY) : style;
}

/* Puts up to n items from number next on. Returns how many were placed. */
static uint64_t put_some(struct member *member, uint64_t next, size_t n)
{
	struct round *round = member->round;
	struct timespec soon = spmcq_after((double)chance_below(&member->chance, 100) * 1e-6);
	char items[BULK_MAX * 100];
	ssize_t result = 0;

	for (size_t i = 0; i < n; i++)
		item_fill(items + i * round->item_size, round->item_size, next + i);
	switch (pick(round->put_style, &member->chance)) {
	case BLOCKING:
		result = spmcq_put(round->q, items);
		break;
	case TRYING:
		result = spmcq_try_put(round->q, items);
		break;
	case TIMED:
		result = spmcq_put_until(round->q, items, &soon);
		break;
	default:
		if (chance_below(&member->chance, 3) == 0)
			result = spmcq_try_put_many(round->q, items, n);
		else if (chance_below(&member->chance, 2) == 0)
			result = spmcq_put_many_until(round->q, items, n, &soon);
		else
			result = spmcq_put_many(round->q, items, n);
		CHECK(result <= (ssize_t)n && result != 0, "%zd of %zu placed", result, n);
		return result > 0 ? (uint64_t)result : 0;
	}
	CHECK(result == 0 || result == -EAGAIN || result == -ETIMEDOUT, "put returned %zd", result);
	return result == 0;
}

static ssize_t get_some(struct member *member, char *items, size_t max)
{
	struct spmcq *q = member->round->q;
	struct timespec soon = spmcq_after((double)chance_below(&member->chance, 100) * 1e-6);
	int result = 0;

	switch (pick(member->round->get_style, &member->chance)) {
	case BLOCKING:
		result = spmcq_get(q, items);
		break;
	case TRYING:
		result = spmcq_try_get(q, items);
		break;
	case TIMED:
		result = spmcq_get_until(q, items, &soon);
		break;
	default:
		if (chance_below(&member->chance, 3) == 0)
			return spmcq_try_get_many(q, items, max);
		if (chance_below(&member->chance, 2) == 0)
			return spmcq_get_many_until(q, items, max, &soon);
		return spmcq_get_many(q, items, max);
	}
	return result == 0 ? 1 : result;
}

/* Items of 1 or 3 bytes carry only the low bits of their number; the order gives the rest, provided
 * that one consumer gets them all. */
static uint64_t full_number(const struct round *round, const char *item, uint64_t at_least)
{
	uint64_t number = item_number(item, round->item_size), step;

	if (round->item_size >= 8)
		return number;
	step = UINT64_C(1) << (8 * round->item_size);
	while (number < at_least)
		number += step;
	return number;
}

/* Takes note of a run. Returns the least number that may come next. */
static uint64_t note_run(struct round *round, const char *items, size_t n, uint64_t least)
{
	for (size_t i = 0; i < n; i++) {
		const char *item = items + i * round->item_size;
		uint64_t number = full_number(round, item, least);

		CHECK(number < round->items, "number %llu was never put (seed %llu)",
		      (unsigned long long)number, (unsigned long long)round->seed);
		CHECK(item_is(item, round->item_size, number), "item %llu is torn (seed %llu)",
		      (unsigned long long)number, (unsigned long long)round->seed);
		CHECK(number >= least, "item %llu came after item %llu (seed %llu)",
		      (unsigned long long)number, (unsigned long long)least - 1,
		      (unsigned long long)round->seed);
		CHECK(i == 0 || number == least, "a run has item %llu, not %llu (seed %llu)",
		      (unsigned long long)number, (unsigned long long)least,
		      (unsigned long long)round->seed);
		atomic_fetch_add_explicit(&round->times[number], 1, memory_order_relaxed);
		least = number + 1;
	}
	return least;
}

static void consume(void *arg)
{
	struct member *member = arg;
	struct round *round = member->round;
	char items[BULK_MAX * 100];
	uint64_t least = 0;

	for (;;) {
		size_t max = 1 + (size_t)chance_below(&member->chance, BULK_MAX);
		ssize_t n = get_some(member, items, max);

		if (n == -ESHUTDOWN)
			break;
		CHECK((n > 0 && n <= (ssize_t)max) || n == -EAGAIN || n == -ETIMEDOUT,
		      "get of up to %zu returned %zd", max, n);
		if (n > 0) {
			least = note_run(round, items, (size_t)n, least);
			RETURNS(0, spmcq_task_done_many(round->q, (size_t)n));
		}
		if (round->pauses || n < 0)
			chance_pause(&member->chance);
	}
}

static void produce(struct member *member)
{
	struct round *round = member->round;
	uint64_t next = 0;

	while (next < round->items) {
		size_t n = 1 + (size_t)chance_below(&member->chance, BULK_MAX);
		size_t left = (size_t)(round->items - next);

		next += put_some(member, next, n < left ? n : left);
		if (round->pauses)
			chance_pause(&member->chance);
	}
}

static void expect_all_once(const struct round *round)
{
	struct spmcq_stats stats = stats_of(round->q);

	for (uint64_t n = 0; n < round->items; n++)
		CHECK(round->times[n] == 1, "item %llu was got %d times (seed %llu)",
		      (unsigned long long)n, round->times[n], (unsigned long long)round->seed);
	COUNTS(round->items, stats.put);
	COUNTS(round->items, stats.got);
	COUNTS(round->items, stats.done);
	COUNTS(0, spmcq_size(round->q));
	COUNTS(0, spmcq_unfinished(round->q));
}

static void run_round(struct round *round, size_t consumers)
{
	struct member members[CONSUMERS_MAX + 1];
	struct worker workers[CONSUMERS_MAX];

	for (size_t i = 0; i <= consumers; i++)
		members[i] = (struct member){round, chance_stream(round->seed, i + 1)};
	for (size_t i = 0; i < consumers; i++)
		worker_start(&workers[i], consume, &members[i]);
	produce(&members[consumers]);
	RETURNS(0, spmcq_join(round->q));
	expect_all_once(round);
	RETURNS(0, spmcq_shutdown(round->q));
	for (size_t i = 0; i < consumers; i++)
		worker_join(&workers[i]);
	queue_free(round->q);
}

/* A round of random shape. Small items carry too little of their number for several consumers. */
static void random_round(struct chance *chance, enum style put_style, enum style get_style)
{
	static const size_t crews[] = {1, 2, 5, CONSUMERS_MAX};
	static const uint64_t firsts[] = {0, UINT32_MAX - 99, UINT64_MAX / 2 - 99, UINT64_MAX - 99};
	static struct round round;
	size_t consumers = crews[chance_below(chance, COUNT_OF(crews))];
	size_t capacity = all_capacities[chance_below(chance, COUNT_OF(all_capacities))];
	size_t size = chance_below(chance, COUNT_OF(all_item_sizes));

	round.item_size = all_item_sizes[size < 2 && consumers > 1 ? size + 2 : size];
	round.seed = chance_next(chance);
	round.items = 1 + chance_below(chance, ITEMS_MAX);
	round.put_style = put_style;
	round.get_style = get_style;
	round.pauses = chance_below(chance, 4) == 0;
	for (size_t n = 0; n < ITEMS_MAX; n++)
		atomic_init(&round.times[n], 0);
	round.q =
	        queue_at(capacity, round.item_size, firsts[chance_below(chance, COUNT_OF(firsts))]);
	check_doing("%zu consumers, capacity %zu, item size %zu, %llu items, styles %d and %d",
	            consumers, capacity, round.item_size, (unsigned long long)round.items,
	            put_style, get_style);
	run_round(&round, consumers);
}

static void rounds(enum style put_style, enum style get_style)
{
	struct chance chance = chance_stream(chance_seed(), 0);
	uint64_t end = stress_end();

	do
		random_round(&chance, put_style, get_style);
	while (!stress_is_over(end));
}

static void blocking_calls_deliver_exactly_once(void)
{
	rounds(BLOCKING, BLOCKING);
}

static void bulk_calls_deliver_exactly_once(void)
{
	rounds(BULK, BULK);
}

static void try_calls_deliver_exactly_once(void)
{
	rounds(TRYING, TRYING);
}

static void any_mix_of_calls_delivers_exactly_once(void)
{
	rounds(ANY, ANY);
}

int main(void)
{
	RUN(blocking_calls_deliver_exactly_once);
	RUN(bulk_calls_deliver_exactly_once);
	RUN(try_calls_deliver_exactly_once);
	RUN(any_mix_of_calls_delivers_exactly_once);
	return check_finish();
}
