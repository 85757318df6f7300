/*
 * Random sequences of calls on one queue. A producer and consumers put, get, report and are killed,
 * one call after the other; successors and new consumers come. A model of plain lists says what
 * each call must return.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include "support/chance.h"
#include <stdio.h>
#include <string.h>

enum {
	WORKERS = 4,
	CONSUMERS = 3,
	MOST = 4096, /* items in a list */
	AT_ONCE = WORDS ? 2 : 5,
};

#define WRAP (UINT64_C(1) << 52)

struct list {
	item_value items[MOST];
	size_t first, end;
};

static size_t length(const struct list *list)
{
	return list->end - list->first;
}

static void append(struct list *list, item_value item)
{
	list->items[list->end++ % MOST] = item;
	CHECK(length(list) <= MOST, "the list is full");
}

static item_value take(struct list *list)
{
	return list->items[list->first++ % MOST];
}

static struct chance chance;

static struct {
	size_t capacity;
	struct spmcq_shared_options options;
	struct puppet producer, consumers[CONSUMERS];
	/* The unfinished items, by where they are: in the queue, given out again, held by each
	 * consumer, or lost. */
	struct list queued, again, held[CONSUMERS], lost;
	pid_t losers[MOST]; /* the process that lost an item, by the item modulo MOST */
	item_value put;
	unsigned unnamed; /* killed consumers whose items are not reaped yet */
} world;

static size_t unfinished(void)
{
	size_t sum = length(&world.queued) + length(&world.again) + length(&world.lost);

	for (size_t i = 0; i < CONSUMERS; i++)
		sum += length(&world.held[i]);
	return sum;
}

/* --- the calls --- */

/* sure_room(): how many items a put surely finds room for. most_room(): for how many it finds room
 * at most. Items that were given out again may or may not take up room. With redeliver, items that
 * are held and not reported may also take up room, if they are more than the capacity. */
static size_t sure_room(void)
{
	size_t taken = length(&world.queued) + length(&world.again);
	size_t held = unfinished() - length(&world.queued);

	if (taken >= world.capacity || (world.options.redeliver && held > world.capacity))
		return 0;
	return world.capacity - taken;
}

static size_t most_room(void)
{
	return world.capacity - length(&world.queued);
}

static void expect_put(long result, size_t n)
{
	size_t least = sure_room(), most = most_room();

	least = n < least ? n : least;
	most = n < most ? n : most;
	if (result == -EOWNERDEAD)
		CHECK(world.options.redeliver && length(&world.lost) > 0 && least == 0,
		      "put returned -EOWNERDEAD, but no lost item takes up room");
	else if (result < 0)
		CHECK(result == -EAGAIN && least == 0, "put of %zu: %ld, room for %zu", n, result,
		      least);
	else
		CHECK((size_t)result >= least && (size_t)result <= most && result > 0,
		      "put %ld of %zu, room for %zu to %zu", result, n, least, most);
}

static void put(void)
{
	size_t n = 1 + chance_below(&chance, AT_ONCE);
	long result;

	check_doing("put of %zu", n);
	world.producer.call.number = world.put;
	result = told(&world.producer, n == 1 ? act_try_put : act_try_put_many, n);
	if (n == 1 && result == 0)
		result = 1;
	expect_put(result, n);
	for (; result > 0; result--)
		append(&world.queued, world.put++);
}

static void get(size_t i)
{
	size_t n = 1 + chance_below(&chance, AT_ONCE);
	size_t there = length(&world.again) + length(&world.queued);
	struct puppet *consumer = &world.consumers[i];
	long result;

	check_doing("get of %zu by %zu", n, i);
	result = told(consumer, n == 1 ? act_try_get : act_try_get_many, n);
	if (n == 1 && result == 0)
		result = 1;
	if (there == 0)
		RETURNS(-EAGAIN, result);
	else
		CHECK(result > 0 && (size_t)result <= n && (size_t)result <= there,
		      "get of %zu: %ld of %zu", n, result, there);
	for (long j = 0; j < result; j++) {
		item_value want = take(length(&world.again) > 0 ? &world.again : &world.queued);

		CHECK(consumer->call.items[j] == want, "got %" PRI_ITEM ", not %" PRI_ITEM,
		      consumer->call.items[j], want);
		append(&world.held[i], want);
	}
}

static void report(size_t i)
{
	size_t n = 1 + chance_below(&chance, AT_ONCE);

	check_doing("report of %zu by %zu", n, i);
	if (n > length(&world.held[i])) {
		RETURNS(-ERANGE, told(&world.consumers[i], act_task_done_many, n));
		return;
	}
	RETURNS(0, told(&world.consumers[i], act_task_done_many, n));
	while (n-- > 0)
		take(&world.held[i]);
}

/* --- deaths --- */

static void lose(size_t i)
{
	while (length(&world.held[i]) > 0) {
		item_value item = take(&world.held[i]);

		world.losers[item % MOST] = world.consumers[i].process;
		append(&world.lost, item);
	}
}

/* Removes an item from the lost items. Returns whether that process had lost it. */
static bool take_lost(item_value item, pid_t process)
{
	size_t n = length(&world.lost);
	bool found = false;

	while (n-- > 0) {
		item_value lost = take(&world.lost);

		if (lost == item && world.losers[item % MOST] == process)
			found = true;
		else
			append(&world.lost, lost);
	}
	return found;
}

/* reap() must name each lost item once, with its process; it needs several calls if there are
 * many. */
static void reap(void)
{
	size_t most = 1 + chance_below(&chance, LOST);
	const struct spmcq_lost *lost = world.producer.call.lost;
	long n;

	check_doing("reap of %zu", most);
	do {
		n = told(&world.producer, act_reap, most);
		CHECK(n >= 0 && (size_t)n <= most, "reap: %ld", n);
		for (long i = 0; i < n; i++)
			for (uint64_t j = 0; j < lost[i].items; j++) {
				uint64_t at = lost[i].position + j;
				item_value item =
				        (item_value)((at - world.options.first_position) % WRAP);

				CHECK(take_lost(item, lost[i].process),
				      "item %" PRI_ITEM " was not lost by %d", item,
				      lost[i].process);
				CHECK(lost[i].redelivered == world.options.redeliver,
				      "redelivered: %d", lost[i].redelivered);
				if (world.options.redeliver)
					append(&world.again, item);
			}
	} while ((size_t)n == most);
	COUNTS(0, length(&world.lost));
	world.unnamed = 0;
}

/* A killed consumer takes up a place until its items are reaped. */
static void kill_consumer(size_t i)
{
	check_doing("death of %zu", i);
	puppet_kill(&world.consumers[i]);
	world.unnamed += length(&world.held[i]) > 0;
	lose(i);
	if (world.unnamed > world.options.processes - CONSUMERS)
		reap();
	check_doing("birth of %zu", i);
	puppet_start(&world.consumers[i]);
	admit_by(&world.producer, &world.consumers[i]);
}

/* A random consumer admits the successor. Some of the consumers are killed before the successor has
 * admitted them. */
static void kill_producer(void)
{
	size_t by = chance_below(&chance, CONSUMERS);
	struct puppet successor;

	check_doing("death of the producer");
	puppet_kill(&world.producer);
	puppet_start(&successor);
	introduce(&world.consumers[by], &successor, act_succeed);
	RETURNS(0, world.consumers[by].call.result);
	RETURNS(0, successor.call.result);
	world.producer = successor;
	for (size_t i = 0; i < CONSUMERS; i++) {
		if (chance_below(&chance, 4) == 0)
			kill_consumer(i);
		else
			admit_by(&world.producer, &world.consumers[i]);
	}
}

/* --- a sequence of calls --- */

static void look(void)
{
	struct puppet *who = &world.consumers[chance_below(&chance, CONSUMERS)];
	long size;

	if (chance_below(&chance, 2))
		who = &world.producer;
	check_doing("look");
	size = told(who, act_size, 0);
	CHECK(size >= (long)length(&world.queued) &&
	              size <= (long)(length(&world.queued) + length(&world.again)),
	      "size %ld of %zu and %zu", size, length(&world.queued), length(&world.again));
	RETURNS((long)unfinished(), told(who, act_unfinished, 0));
	RETURNS(0, told(who, act_stats, 0));
	COUNTS(world.put, who->call.stats.put);
}

static void begin(void)
{
	static const size_t capacities[] = {1, 2, 5, 16, 100};

	memset(&world, 0, sizeof(world));
	world.capacity = capacities[chance_below(&chance, COUNT_OF(capacities))];
	world.options = (struct spmcq_shared_options){
	        .processes = CONSUMERS + (unsigned)chance_below(&chance, 4),
	        .threads = 1 + (unsigned)chance_below(&chance, 2),
	        .redeliver = !WORDS && chance_below(&chance, 2),
	        .sealed = !WORDS && chance_below(&chance, 3) == 0 && can_seal(),
	        .first_position = WRAP - 1 - chance_below(&chance, 500)};
	puppet_start(&world.producer);
	create_by(&world.producer, world.capacity, &world.options);
	for (size_t i = 0; i < CONSUMERS; i++) {
		puppet_start(&world.consumers[i]);
		admit_by(&world.producer, &world.consumers[i]);
	}
}

static void end(void)
{
	reap();
	while (length(&world.queued) + length(&world.again) > 0)
		get(0);
	for (size_t i = 0; i < CONSUMERS; i++)
		while (length(&world.held[i]) > 0)
			report(i);
	check_doing("end");
	RETURNS(0, told_until(&world.producer, act_join_until, 0, 5));
	RETURNS(0, told(&world.producer, act_shutdown, 0));
	for (size_t i = 0; i < CONSUMERS; i++) {
		RETURNS(-ESHUTDOWN, told(&world.consumers[i], act_get, 0));
		puppet_end(&world.consumers[i]);
	}
	puppet_end(&world.producer);
}

static void live(void)
{
	begin();
	for (int i = 0; i < 600; i++) {
		size_t who = chance_below(&chance, CONSUMERS);

		switch (chance_below(&chance, 40)) {
		case 0:
			if (chance_below(&chance, 3) == 0)
				kill_producer();
			break;
		case 1:
			kill_consumer(who);
			break;
		case 2:
			reap();
			break;
		case 3:
		case 4:
			look();
			break;
		default:
			if (i % 3 == 0)
				put();
			else if (i % 3 == 1)
				get(who);
			else
				report(who);
		}
	}
	end();
}

static void live_again_and_again(unsigned worker)
{
	double stop = seconds_now() + 3;
	unsigned lives = 0;

	chance = chance_stream(chance_seed(), worker);
	for (; seconds_now() < stop; lives++)
		live();
	if (worker == 0)
		printf("# %u lives of one queue\n", lives);
}

static void each_call_returns_what_a_model_says_whoever_dies(void)
{
	chance_seed();
	in_parallel(WORKERS, live_again_and_again);
}

int main(void)
{
	RUN(each_call_returns_what_a_model_says_whoever_dies);
	return check_finish();
}
