/*
 * Games; in each of them a puppet is killed after another instruction of its call.
 */
#include "kills.h"

#include "support/chance.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

static const struct kills *kills;

/* A call takes more instructions at one time than at another, if it polls. */
enum { MEASURED = 4 };

/* Shared by all processes that play. */
static struct {
	_Atomic unsigned games, done, not_done;
	/* How many instructions some calls had, after which a puppet can be killed. */
	unsigned call;            /* from the start of the call; the longest */
	unsigned awake[MEASURED]; /* from the end of its sleep; 0: the call does not sleep */
} * counts;

void count_kill(bool done)
{
	atomic_fetch_add(done ? &counts->done : &counts->not_done, 1);
}

static void finish(void)
{
	if (kills->finish)
		kills->finish();
}

enum { NEVER = 1 << 30 }; /* instructions: no call is that long */

static void measure(unsigned worker)
{
	kills->begin(worker);
	check_doing("nobody is killed");
	for (unsigned i = 0; i < MEASURED; i++) {
		unsigned call = kills->play((struct end){FROM_START, NEVER, 0}) + 3;

		counts->call = call > counts->call ? call : counts->call;
		if (kills->sleeps)
			counts->awake[i] = kills->play((struct end){AFTER_SLEEP, NEVER, 0}) + 3;
	}
	finish();
}

static unsigned common_divisor(unsigned a, unsigned b)
{
	return b == 0 ? a : common_divisor(b, a % b);
}

static unsigned step_of_game(uint64_t seed, unsigned n, unsigned most)
{
	unsigned stride = (unsigned)((uint64_t)most * 618 / 1000);

	while (stride == 0 || common_divisor(most, stride) != 1)
		stride++;
	return 1 + (unsigned)((seed + (uint64_t)n * stride) % most);
}

enum { LONG = 1000 }; /* a call with more instructions is long: a single step takes some 40 us */

static unsigned least_games(void)
{
	return counts->call > LONG && !kills->sleeps ? kills->least / 2 : kills->least;
}

/* A long call polls first, and does its work after the last poll. So this moves a kill to the last
 * fifth of the call. */
static unsigned in_last_fifth(unsigned at, unsigned most)
{
	return most - at % (1 + most / 5);
}

/* Returns the instruction after which game n = 0, 1 ... kills the puppet. Games with successive
 * numbers kill at places far from each other. For a call that does not sleep, each instruction has
 * its turn before one has a second; if the call is long, three of eight games are in its last
 * fifth. For a call that sleeps, two of eight games count from the start of the call, one kills the
 * sleeper, and five count from the end of the sleep, three of them in the last fifth. The lengths
 * that were measured after a sleep take turns, so that kills reach the end of a long poll, and are
 * dense in a short one. */
static struct end end_of_game(uint64_t seed, unsigned n)
{
	unsigned awake = counts->awake[n / 8 % MEASURED];
	struct end end = {FROM_START, step_of_game(seed, n, counts->call), 0};
	bool is_late = n % 8 > 4;

	if (kills->sleeps && n % 4 > 0) {
		end.when = n % 8 == 1 ? WHILE_ASLEEP : AFTER_SLEEP;
		end.at = step_of_game(seed, n, awake);
		if (is_late)
			end.at = in_last_fifth(end.at, awake);
	} else if (!kills->sleeps && counts->call > LONG && is_late) {
		end.at = in_last_fifth(end.at, counts->call);
	}
	end.deed = end.at % 2 || end.when == WHILE_ASLEEP ? SIGKILL : 0;
	return end;
}

/* Few kills of a call that polls come between its last poll and its end. */
static bool is_one_sided(void)
{
	return counts->done == 0 || counts->not_done == 0;
}

static void play_all(unsigned worker)
{
	double stop = seconds_now() + kills->seconds;
	unsigned least = least_games();

	kills->begin(worker);
	for (unsigned n = 0; n < least || seconds_now() < stop || (is_one_sided() && n < 4 * least);
	     n++) {
		/* Each worker plays other games. */
		struct end end = end_of_game(chance_seed(), worker * least + n);

		check_doing("queue %u: killed after instruction %u (%d) of %u, %u (seed %llu)",
		            worker, end.at, (int)end.when, counts->call, counts->awake[0],
		            (unsigned long long)chance_seed());
		kills->play(end);
		atomic_fetch_add(&counts->games, 1);
	}
	finish();
}

void kill_in_games(const struct kills *of)
{
	if (!can_step())
		check_skip(CANNOT_STEP);
	kills = of;
	counts = common_memory(sizeof(*counts));
	chance_seed();
	in_parallel(1, measure);
	in_parallel(kills->queues, play_all);
	printf("# of %u instructions, %u asleep, %u games: %u killed before, %u after it was "
	       "done\n",
	       counts->call, counts->awake[0], counts->games, counts->not_done, counts->done);
	CHECK(!is_one_sided(), "all kills came before the call had done its work, or all after");
}
