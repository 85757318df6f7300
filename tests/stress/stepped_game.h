/*
 * A game between a thread whose call is held and other threads: the queue, the calls that note what
 * was put and got, and what others may do meanwhile. Included after the library, as it looks
 * inside.
 */
#ifndef STEPPED_GAME_H
#define STEPPED_GAME_H

#include "stepped.h"
#include "support/chance.h"
#include "support/fixture.h"
#include "unit/leading.h"

enum {
	ITEMS = 2000, /* more than are put in a game */
	MANY = 3,
	STALLED_MS = 3000, /* asleep for so long beside what it waits for: for ever */
};

struct item {
	uint32_t number;
	uint32_t check; /* ~number; not in items of 4 bytes */
};

/* A call to hold. */
struct part {
	void (*others)(void);      /* what others do before its thread starts */
	void (*prepare)(void);     /* what its thread does before the call */
	void (*call)(void);        /* the call that is held; sets game.result */
	void (*const *acts)(void); /* what others may do at the first hold */
	size_t act_count;
	void (*second_act)(void); /* what they do at the second hold */
	unsigned ways;            /* of the call */
	bool gets, puts;
	unsigned reach; /* the first hold is within reach * INSTRUCTIONS */
};

static struct {
	const struct part *part;
	struct spmcq *q;
	size_t capacity, item_size;
	struct chance chance;
	unsigned way;
	struct worker held, other;
	bool has_other, has_sleeper; /* the thread `other` runs; its call is a get */
	bool full;                   /* when the call began */
	bool closed, discarded;      /* by shutdown; by shutdown_now */
	_Atomic bool ready, back;    /* of the held thread: before the call, and in the end */
	_Atomic unsigned begun;      /* 0 -> 1: it may call */
	_Atomic uint32_t next;       /* number of the next item to put */
	_Atomic uint32_t owed;       /* items got and not reported */
	_Atomic unsigned char times[ITEMS];              /* each item was got */
	unsigned char items[MANY * sizeof(struct item)]; /* got by the held call */
	ssize_t result;                                  /* of the held call */
} game;

static _Thread_local int64_t last_got;

/* --- calls --- */

static void note_put(void)
{
	CHECK(atomic_fetch_add(&game.next, 1) < ITEMS - 1, "more items than reckoned with");
}

static int try_put(void)
{
	uint32_t next = atomic_load(&game.next);
	int result = spmcq_try_put(game.q, &(struct item){next, ~next});

	if (result == 0)
		note_put();
	return result;
}

/* n items, or an error. */
static void note_got(ssize_t n, const void *items)
{
	for (ssize_t i = 0; i < n; i++) {
		struct item item = {0};

		memcpy(&item, (const char *)items + (size_t)i * game.item_size, game.item_size);
		CHECK(item.number <= atomic_load(&game.next), "got %u, which was not put",
		      item.number);
		CHECK(game.item_size < sizeof item || item.check == ~item.number, "item %u is torn",
		      item.number);
		CHECK(item.number > last_got, "got %u after %lld", item.number,
		      (long long)last_got);
		CHECK(atomic_fetch_add(&game.times[item.number], 1) == 0, "item %u is got again",
		      item.number);
		last_got = item.number;
		atomic_fetch_add(&game.owed, 1);
	}
}

static int try_get(void)
{
	struct item item;
	int result = spmcq_try_get(game.q, &item);

	note_got(result == 0, &item);
	return result;
}

static void report_one(void)
{
	atomic_fetch_sub(&game.owed, 1);
	RETURNS(0, spmcq_task_done(game.q));
}

/* Makes this thread the leader, if the build has leads, by putting and getting. A thread that is
 * held may get some of the items, too. */
static void lead(void)
{
	for (int i = 0; !is_led(game.q) && i < 100 + 2 * SPMCQ_LEAD_AFTER; i++) {
		struct timespec soon = spmcq_after(0.02);
		struct item item;
		int result;

		(void)try_put();
		result = spmcq_get_until(game.q, &item, &soon);
		CHECK(result == 0 || result == -ETIMEDOUT, "get returned %d", result);
		note_got(result == 0, &item);
		if (result == 0)
			report_one();
	}
}

static void release(void)
{
	RETURNS(0, spmcq_release_producer(game.q));
}

/* Puts as many items as fit, or fewer, by chance. */
static void put_few(void)
{
	size_t most = game.capacity < MANY ? game.capacity : MANY;

	for (size_t n = chance_below(&game.chance, most + 1); n > 0; n--)
		RETURNS(0, try_put());
}

/* --- what others do --- */

static bool can_put(void)
{
	return !game.closed && (!game.part->puts || atomic_load(&game.back));
}

static void take_all(void)
{
	int result;

	while ((result = try_get()) == 0)
		report_one();
	CHECK(result == (game.closed ? -ESHUTDOWN : -EAGAIN), "an empty try_get returned %d",
	      result);
}

static void take_all_and_put_more(void)
{
	take_all();
	for (int i = 0; i < 3 && can_put(); i++) {
		if (i > 0)
			take_all();
		(void)try_put();
		if (spmcq_size(game.q) < game.capacity)
			(void)try_put();
	}
}

static void shut_down(void)
{
	RETURNS(0, spmcq_shutdown(game.q));
	game.closed = true;
	take_all();
}

static void shut_down_now(void)
{
	RETURNS(0, spmcq_shutdown_now(game.q));
	game.closed = game.discarded = true;
	RETURNS(-ESHUTDOWN, try_get());
}

static void get_one(void *unused)
{
	struct item item;
	int result = spmcq_get(game.q, &item);

	(void)unused;
	last_got = -1;
	CHECK(result == 0 || result == -ESHUTDOWN, "get returned %d", result);
	note_got(result == 0, &item);
	if (result == 0)
		report_one();
}

static void join(void *unused)
{
	(void)unused;
	RETURNS(0, spmcq_join(game.q));
}

/* Waits until the other thread comes back or falls asleep. */
static void start_other(void (*run)(void *))
{
	struct spmcq_stats before = stats_of(game.q), now = before;

	game.has_other = true;
	worker_start(&game.other, run, NULL);
	while (!atomic_load(&game.other.back) && now.joiner_sleeps == before.joiner_sleeps &&
	       now.consumer_sleeps == before.consumer_sleeps) {
		nanosleep(&(struct timespec){0, 20000}, NULL);
		now = stats_of(game.q);
	}
}

static void another_sleeps(void)
{
	take_all();
	game.has_sleeper = true;
	start_other(get_one);
}

static void another_joins(void)
{
	start_other(join);
}

/* By no try_ call, as after one nobody leads. */
static void drain(void)
{
	static const struct timespec past = {0, 0};
	struct item item;

	while (spmcq_get_until(game.q, &item, &past) == 0) {
		note_got(1, &item);
		report_one();
	}
}

static void another_leads(void)
{
	drain();
	if (can_put())
		lead();
}

static void join_in_no_time(void)
{
	struct timespec now = spmcq_after(0);
	int result = spmcq_join_until(game.q, &now);

	CHECK(result == 0 || result == -ETIMEDOUT, "join returned %d", result);
}

static void (*const acts[])(void) = {
        take_all_and_put_more, shut_down,     shut_down_now,   another_sleeps,
        another_joins,         another_leads, join_in_no_time,
};

static void any_act(void)
{
	size_t i = chance_below(&game.chance, COUNT_OF(acts));

	if (game.closed || chance_below(&game.chance, 2) == 0)
		take_all_and_put_more();
	else if (!game.has_other)
		acts[i]();
	else if (acts[i] == shut_down || acts[i] == shut_down_now || acts[i] == join_in_no_time)
		acts[i]();
}

/* --- waiting --- */

/* Whether the held thread is asleep, or between announcing that and having woken. */
static bool may_sleep(void)
{
	bool other_gets = game.has_sleeper && !atomic_load(&game.other.back);

	return gate_sleepers(&game.q->items) + gate_sleepers(&game.q->room) > other_gets;
}

/* Waits until the thread is held for the nth time (from 0). False: its call came back, or sleeps.
 */
static bool is_held(unsigned n)
{
	for (int looks = 0; looks < 3; looks += may_sleep()) {
		unsigned news = atomic_load(&steps.news);

		if (atomic_load(&steps.held) > n)
			return true;
		if (atomic_load(&game.back))
			return false;
		await_change(&steps.news, news);
	}
	return false;
}

/* Puts an item or makes room, if there is none, until the thread is back. */
static void bring(_Atomic bool *back)
{
	struct timespec end = spmcq_after(STALLED_MS * 1e-3), now;

	while (!atomic_load(back)) {
		unsigned news = atomic_load(&steps.news);
		size_t size = spmcq_size(game.q);

		if (can_put() && size == 0)
			(void)try_put();
		/* A sleeper may have been woken for an item: leave it. */
		if (!can_put() && size == game.capacity && !game.has_sleeper && try_get() == 0)
			report_one();
		if (!atomic_load(back))
			await_change(&steps.news, news);
		clock_gettime(CLOCK_MONOTONIC, &now);
		CHECK(now.tv_sec <= end.tv_sec, "%s sleeps, %zu of %zu items there, %zu unfinished",
		      back == &game.back ? "the held thread" : "another", size, game.capacity,
		      spmcq_unfinished(game.q));
	}
}

#endif
