/*
 * A thread may stop after any instruction of a call, and other threads do anything meanwhile: they
 * sleep, join, lead, shut down, or take all items. It is held twice in a call, then goes on; each
 * item must be got once and in order, all that is got can be reported, and no thread sleeps while
 * there is something for it.
 *
 * The games go through all instructions for the first hold, with all acts of the others and all
 * queues, beginning where the seed says. The second hold and the rest are random.
 */
#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 8
#endif
#include "spmcq.c" /* first: it says which system interfaces it wants */

#include "support/check.h"

#if CHECK_SANITIZED
#define CANNOT_STEP "the instructions of a sanitizer are no part of the library"
#elif !defined(__x86_64__) || !defined(__linux__)
#define CANNOT_STEP "only x86_64 Linux can hold a thread after an instruction"
#endif

#ifdef CANNOT_STEP
static const char *const cannot_step = CANNOT_STEP;
#else
static const char *const cannot_step = "no signal came for the processor's trap flag";
#endif

static void a_thread_may_stop_anywhere(void)
{
	check_skip(cannot_step);
}

#ifndef CANNOT_STEP
#include "stepped_game.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	INSTRUCTIONS = 100, /* of a call that need not wait; beyond in one game of four */
	STRIDE = 7919,      /* from game to game; a prime, so that all combinations occur */
};

static const size_t capacities[] = {1, 3, 64};

/* --- the call that is held --- */

static void nothing(void)
{
}

static void lead_and_release(void)
{
	lead();
	release();
}

static void get_and_release(void)
{
	lead();
	RETURNS(0, try_put());
	RETURNS(0, try_get());
	release();
}

static void prepare_to_take_turns(void)
{
	CELL_SET(my_cell(game.q), losses, LOSSES_TURNS);
}

static void held_get(void)
{
	if (game.way == 0)
		game.result = spmcq_get_many(game.q, game.items, MANY);
	else if (game.way == 1)
		game.result = spmcq_try_get(game.q, game.items);
	else
		game.result = spmcq_get(game.q, game.items);
}

/* In ways 2 and 3 another thread leads first; in way 3 the held put is its thread's first call. */
static void before_put(void)
{
	if (game.way >= 2) {
		lead();
		release();
	}
}

static void prepare_put(void)
{
	if (game.way < 2) {
		lead();
		put_few();
	} else if (game.way == 2)
		RETURNS(0, try_put());
	game.full = spmcq_size(game.q) == game.capacity;
}

static void held_put(void)
{
	struct item item = {game.next, ~game.next};

	game.result = game.way == 1 ? spmcq_try_put(game.q, &item) : spmcq_put(game.q, &item);
}

static void held_report(void)
{
	game.result = spmcq_task_done(game.q);
}

/* --- a call that does not find what it wants --- */

enum { REACH = 12 }; /* as far as until it sleeps, and beyond */

/* Counts a looker that never takes anything, so that a consumer that sleeps now is a reserve (see
 * lib/watch.h). */
static void a_looker_is_stopped(void)
{
	watch_begin_to_look(&game.q->watch);
}

static void held_get_of_none(void)
{
	struct timespec later = spmcq_after(1000);

	game.result = game.way == 0 ? spmcq_get_many(game.q, game.items, MANY)
	                            : spmcq_get_until(game.q, game.items, &later);
}

static void prepare_to_try(void)
{
	game.way = 1;
}

static void another_leads_and_fills(void)
{
	lead();
	while (spmcq_size(game.q) < game.capacity)
		RETURNS(0, try_put());
	release();
	game.full = true;
}

static void fill_and_release(void)
{
	while (spmcq_size(game.q) < game.capacity)
		RETURNS(0, try_put());
	release();
	game.full = true;
}

/* --- what others do while a thread's first report is held --- */

/* Gets n and reports them, but for some. */
static void get_but_owe(unsigned n, uint32_t owed)
{
	while (n-- > 0) {
		RETURNS(0, try_put());
		RETURNS(0, try_get());
	}
	while (atomic_load(&game.owed) > owed)
		report_one();
}

/* In way 0 the held thread reports an item that was got before. In way 1 it reports an item that is
 * got meanwhile, if it comes late enough. In way 2 it reports one too many. */
static void before_report(void)
{
	if (game.way != 1)
		get_but_owe(3, game.way == 0 ? 3 : 0);
}

static void get_and_report(void)
{
	if (game.way == 2)
		RETURNS(0, try_put());
	else
		get_but_owe(12, 2);
}

static void lead_and_report(void)
{
	if (game.way == 2)
		RETURNS(0, try_put());
	else {
		lead();
		get_but_owe(3, 2);
	}
}

static void report_but_one(void)
{
	if (game.way != 2)
		get_but_owe(0, 1);
}

static void (*const report_acts[])(void) = {get_and_report, lead_and_report};

/* --- a game --- */

static void run_held(void *unused)
{
	(void)unused;
	last_got = -1;
	game.part->prepare();
	atomic_store(&game.ready, true);
	tell_news();
	while (atomic_load(&game.begun) == 0)
		await_change(&game.begun, 0);
	step_through(game.part->call);
	if (game.part->gets && game.result >= 0) {
		/* One is got where the call gives no count. */
		game.result += game.way != 0;
		note_got(game.result, game.items);
		for (ssize_t i = 0; i < game.result; i++)
			report_one();
	}
	if (game.part->puts) {
		if (game.result == 0)
			note_put();
		release();
	}
	atomic_store(&game.back, true);
	tell_news();
}

static void check_result(bool early)
{
	const struct part *part = game.part;
	ssize_t r = game.result;
	bool fine = part->gets ? r > 0 : r == 0;

	if (part->gets || part->puts) {
		fine = fine || (r == -ESHUTDOWN && game.closed && !early);
		fine = fine || (r == -EAGAIN && game.way == 1 && (part->gets || game.full));
	} else if (part->others == before_report) {
		fine = (r == 0 && game.way != 2) || (r == -ERANGE && game.way != 0);
		if (r == 0)
			atomic_fetch_sub(&game.owed, 1);
	} else
		atomic_fetch_sub(&game.owed, 1);
	CHECK(fine, "the held call returned %zd, %s", r, early ? "not held" : "held");
}

static void close_and_count(void)
{
	uint32_t next = atomic_load(&game.next), sum = 0;
	struct timespec now = spmcq_after(0);
	struct spmcq_stats stats;

	if (!game.closed)
		shut_down();
	take_all();
	if (game.has_other) {
		bring(&game.other.back);
		worker_join(&game.other);
	}
	while (atomic_load(&game.owed) > 0)
		report_one();
	RETURNS(-ERANGE, spmcq_task_done(game.q));
	RETURNS(0, spmcq_join_until(game.q, &now));
	RETURNS(-ESHUTDOWN, try_put());
	for (uint32_t i = 0; i < ITEMS; i++) {
		sum += game.times[i];
		CHECK(i < next ? game.times[i] == 1 || game.discarded : game.times[i] == 0,
		      "item %u of %u was got %u times", i, next, game.times[i]);
	}
	stats = stats_of(game.q);
	COUNTS(next, stats.put);
	COUNTS(sum, stats.got);
	COUNTS(sum, stats.done);
	COUNTS(next - sum, stats.discarded);
	COUNTS(0, spmcq_size(game.q));
}

static void play(const struct part *part, size_t n, uint64_t seed)
{
	size_t act = n / INSTRUCTIONS % part->act_count;
	size_t shape = n / INSTRUCTIONS / part->act_count;
	unsigned first = 1 + (unsigned)(n % INSTRUCTIONS), second;
	bool early;

	memset(&game, 0, sizeof game);
	last_got = -1;
	game.part = part;
	game.chance = chance_stream(seed, n);
	game.way = (unsigned)chance_below(&game.chance, part->ways);
	game.capacity = capacities[shape / 2];
	game.item_size = shape % 2 == 0 ? sizeof(struct item) : sizeof(uint32_t);
	if (part->reach > 0)
		first += INSTRUCTIONS * (unsigned)chance_below(&game.chance, part->reach);
	else if (chance_below(&game.chance, 4) == 0)
		first += INSTRUCTIONS;
	second = 1 +
	         (unsigned)chance_below(&game.chance, UINT64_C(4) << chance_below(&game.chance, 7));
	check_doing("game %zu: way %u, held after %u and %u instructions, act %zu, capacity %zu, "
	            "item size %zu",
	            n, game.way, first, second, act, game.capacity, game.item_size);
	game.q = queue_at(game.capacity, game.item_size,
	                  (UINT64_C(1) << 63) - chance_below(&game.chance, 64));
	plan_steps(first, second);
	part->others();
	worker_start(&game.held, run_held, NULL);
	while (!atomic_load(&game.ready))
		await_change(&steps.news, 0);
	if (part->gets && part->reach == 0)
		put_few();
	set_and_wake(&game.begun, 1);
	early = !is_held(0) && atomic_load(&game.back);
	part->acts[act]();
	free_steps(1);
	if (is_held(1))
		part->second_act();
	free_steps(HOLDS);
	bring(&game.back);
	worker_join(&game.held);
	check_result(early);
	if (game.has_sleeper && !game.closed)
		bring(&game.other.back);
	close_and_count();
	queue_free(game.q);
}

static void play_all(const struct part *part)
{
	size_t all = INSTRUCTIONS * part->act_count * 2 * COUNT_OF(capacities), played = 0;
	uint64_t seed = chance_seed(), end = stress_end();

	catch_steps();
	for (size_t n = seed % all; !stress_is_over(end); n = (n + STRIDE) % all, played++)
		play(part, n, seed + played / all);
	printf("# %zu games, %zu are all\n", played, all);
}

#define ACTS acts, COUNT_OF(acts), any_act

static void a_new_threads_first_get_may_stop_anywhere(void)
{
	play_all(&(struct part){nothing, nothing, held_get, ACTS, 3, true, false, 0});
}

static void a_consumer_may_stop_anywhere_in_its_turn(void)
{
	play_all(&(struct part){nothing, prepare_to_take_turns, held_get, ACTS, 3, true, false, 0});
}

static void a_new_threads_first_report_may_stop_anywhere(void)
{
	play_all(&(struct part){before_report, nothing, held_report, report_acts,
	                        COUNT_OF(report_acts), report_but_one, 3, false, false, 0});
}

static void a_leader_may_stop_anywhere(void)
{
	play_all(&(struct part){nothing, lead_and_release, held_get, ACTS, 3, true, false, 0});
}

static void a_producer_may_stop_anywhere_in_put(void)
{
	play_all(&(struct part){before_put, prepare_put, held_put, ACTS, 4, false, true, 0});
}

static void a_sleeper_may_stop_anywhere(void)
{
	play_all(&(struct part){nothing, nothing, held_get_of_none, ACTS, 2, true, false, REACH});
}

static void a_reserve_may_stop_anywhere(void)
{
	play_all(&(struct part){a_looker_is_stopped, nothing, held_get_of_none, ACTS, 2, true,
	                        false, REACH});
}

static void a_leader_that_finds_nothing_may_stop_anywhere(void)
{
	play_all(&(struct part){nothing, lead_and_release, held_get_of_none, ACTS, 2, true, false,
	                        REACH});
}

static void a_try_get_after_a_lead_may_stop_anywhere(void)
{
	play_all(&(struct part){lead_and_release, prepare_to_try, held_get, ACTS, 1, true, false,
	                        0});
}

static void a_try_put_after_a_lead_may_stop_anywhere(void)
{
	play_all(&(struct part){another_leads_and_fills, prepare_to_try, held_put, ACTS, 1, false,
	                        true, 0});
}

static void a_producer_that_finds_no_room_may_stop_anywhere(void)
{
	play_all(&(struct part){fill_and_release, nothing, held_put, ACTS, 4, false, true, REACH});
}

static void a_reporter_may_stop_anywhere(void)
{
	play_all(&(struct part){nothing, get_and_release, held_report, ACTS, 1, false, false, 0});
}

int main(void)
{
	if (!can_step()) {
		RUN(a_thread_may_stop_anywhere);
		return check_finish();
	}
	RUN(a_new_threads_first_get_may_stop_anywhere);
	RUN(a_consumer_may_stop_anywhere_in_its_turn);
	RUN(a_new_threads_first_report_may_stop_anywhere);
	RUN(a_leader_may_stop_anywhere);
	RUN(a_producer_may_stop_anywhere_in_put);
	RUN(a_sleeper_may_stop_anywhere);
	RUN(a_reserve_may_stop_anywhere);
	RUN(a_leader_that_finds_nothing_may_stop_anywhere);
	RUN(a_try_get_after_a_lead_may_stop_anywhere);
	RUN(a_try_put_after_a_lead_may_stop_anywhere);
	RUN(a_producer_that_finds_no_room_may_stop_anywhere);
	RUN(a_reporter_may_stop_anywhere);
	return check_finish();
}

#else

int main(void)
{
	RUN(a_thread_may_stop_anywhere);
	return check_finish();
}

#endif
