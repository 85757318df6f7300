/*
 * A thread that is stopped, at any instruction of a call, holds up no other thread. A signal stops
 * it: the handler waits. Meanwhile the others must get through several rings full of items, and the
 * producer must put them. Then the thread goes on, and another one is stopped.
 *
 * The library is compiled in, so that a consumer leads (see lib/cursor_lead.h) after a few items,
 * and to count how often a leader is stopped. The same test on a queue with a lock shows that the
 * test can fail.
 */
#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 8
#endif
#include "spmcq.c" /* first: it says which system interfaces it wants */

#include "support/chance.h"
#include "support/fixture.h"
#include "support/worker.h"
#include "unit/leading.h"
#include <signal.h>
#include <stdio.h>

enum {
	CONSUMERS = 3,
	CAPACITY = 8,
	AMPLE = 1 << 20,         /* so much capacity that the queue is never full */
	PROGRESS = 4 * CAPACITY, /* calls, or items, of the others while one is stopped */
	MANY = 4,
	FREEZES = 3000,
	LEADER_FREEZES = 300,
	IDLE_US = 500,
	PACED_FREEZES = 500,  /* of items that come slowly; some hundred will do */
	LOCK_FREEZES = 50000, /* far fewer do */
	STALLED_MS = 5000,    /* without progress for so long: held up. Time slices are short */
	LOCK_MS = 300,        /* the same for the queue with a lock, which is to be held up */
};

/* --- a queue with a lock --- */

struct locked {
	pthread_mutex_t lock;
	/* Guarded by lock. */
	uint32_t slots[CAPACITY];
	uint64_t head, tail;
};

static int locked_try_put(void *queue, const void *item)
{
	struct locked *q = queue;
	int result = -EAGAIN;

	pthread_mutex_lock(&q->lock);
	if (q->tail - q->head < CAPACITY) {
		memcpy(&q->slots[q->tail++ % CAPACITY], item, sizeof(q->slots[0]));
		result = 0;
	}
	pthread_mutex_unlock(&q->lock);
	return result;
}

static ssize_t locked_try_get(void *queue, void *items, size_t max)
{
	struct locked *q = queue;
	uint32_t *numbers = items;
	size_t n = 0;

	pthread_mutex_lock(&q->lock);
	while (n < max && q->head < q->tail)
		numbers[n++] = q->slots[q->head++ % CAPACITY];
	pthread_mutex_unlock(&q->lock);
	return n > 0 ? (ssize_t)n : -EAGAIN;
}

static int locked_task_done(void *queue, size_t n)
{
	(void)queue;
	(void)n;
	return 0;
}

/* --- the queue under test, by the calls it is tried with --- */

struct calls {
	int (*put)(void *q, const void *item);
	ssize_t (*get)(void *q, void *items, size_t max); /* also one, by max */
	int (*task_done)(void *q, size_t n);
};

static int try_put(void *q, const void *item)
{
	return spmcq_try_put(q, item);
}

static ssize_t try_get(void *q, void *items, size_t max)
{
	int result;

	if (max > 1)
		return spmcq_try_get_many(q, items, max);
	result = spmcq_try_get(q, items);
	return result == 0 ? 1 : result;
}

static int blocking_put(void *q, const void *item)
{
	return spmcq_put(q, item);
}

/* Puts slowly, so that the ring never fills: a producer that waits for room would wake
 * consumers. */
static int paced_put(void *q, const void *item)
{
	nanosleep(&(struct timespec){0, 10000}, NULL);
	return spmcq_put(q, item);
}

static ssize_t blocking_get(void *q, void *items, size_t max)
{
	int result;

	if (max > 1)
		return spmcq_get_many(q, items, max);
	result = spmcq_get(q, items);
	return result == 0 ? 1 : result;
}

static ssize_t get_in_turn(void *q, void *items, size_t max)
{
	CELL_SET(my_cell(q), losses, LOSSES_TURNS);
	return blocking_get(q, items, max);
}

static _Thread_local bool is_often_idle;

/* Most consumers sleep outside of get most of the time, so that one takes all the items and
 * leads. */
static ssize_t idle_and_get(void *q, void *items, size_t max)
{
	if (is_often_idle)
		nanosleep(&(struct timespec){0, IDLE_US * 1000}, NULL);
	return blocking_get(q, items, max);
}

static int task_done(void *q, size_t n)
{
	return spmcq_task_done_many(q, n);
}

static const struct calls locked_calls = {locked_try_put, locked_try_get, locked_task_done};
static const struct calls try_calls = {try_put, try_get, task_done};
static const struct calls blocking_calls = {blocking_put, blocking_get, task_done};
static const struct calls turn_calls = {blocking_put, get_in_turn, task_done};
static const struct calls paced_calls = {paced_put, blocking_get, task_done};
static const struct calls leader_calls = {blocking_put, idle_and_get, task_done};

/* --- the game --- */

struct player {
	struct game *game;
	struct worker worker;
	struct chance chance;
	_Atomic uint64_t calls; /* that came back */
	_Atomic uint64_t items; /* put, or got */
};

struct game {
	const struct calls *calls;
	void *q;
	uint64_t seed;
	uint64_t led; /* how often somebody led when a thread was stopped */
	_Atomic bool over;
	struct player players[CONSUMERS + 1]; /* the first one is the producer */
};

static _Atomic uint32_t frozen; /* how often a handler has been entered */
static _Atomic uint32_t thawed; /* the handlers up to this number return */

/* Only lock-free atomics and a system call: fit for a handler. */
static void freeze(int signal)
{
	struct timespec moment = {0, 20000};
	uint32_t number = atomic_fetch_add(&frozen, 1) + 1;
	int before = errno;

	(void)signal;
	while (atomic_load(&thawed) < number)
		nanosleep(&moment, NULL);
	errno = before;
}

/* Yields only in one of 32 calls, because a thread that has yielded is stopped in sched_yield(),
 * and not inside a call. */
static void give_way(struct chance *chance)
{
	if (chance_below(chance, 32) == 0)
		sched_yield();
}

static void produce(void *arg)
{
	struct player *self = arg;
	struct game *game = self->game;
	uint32_t number = 1;
	int result = 0;

	while (!atomic_load(&game->over) && result != -ESHUTDOWN) {
		result = game->calls->put(game->q, &number);
		CHECK(result == 0 || result == -EAGAIN || result == -ESHUTDOWN, "put returned %d",
		      result);
		if (result == 0) {
			number++;
			atomic_fetch_add(&self->items, 1);
		} else
			give_way(&self->chance);
		atomic_fetch_add(&self->calls, 1);
	}
}

static void consume(void *arg)
{
	struct player *self = arg;
	struct game *game = self->game;
	uint32_t last = 0;
	ssize_t n = 0;

	is_often_idle = self != &game->players[1];

	while (!atomic_load(&game->over) && n != -ESHUTDOWN) {
		uint32_t numbers[MANY] = {0};
		size_t max = chance_below(&self->chance, 2) ? 1 : MANY;

		n = game->calls->get(game->q, numbers, max);
		CHECK(n > 0 || n == -EAGAIN || n == -ESHUTDOWN, "get returned %zd", n);
		for (ssize_t i = 0; i < n; i++) {
			CHECK(numbers[i] > last, "got %u after %u", numbers[i], last);
			last = numbers[i];
		}
		if (n > 0) {
			RETURNS(0, game->calls->task_done(game->q, (size_t)n));
			atomic_fetch_add(&self->items, (uint64_t)n);
		} else
			give_way(&self->chance);
		atomic_fetch_add(&self->calls, 1);
	}
}

static void start(struct game *game)
{
	struct sigaction action = {.sa_handler = freeze};

	sigaction(SIGUSR1, &action, NULL);
	for (size_t i = 0; i <= CONSUMERS; i++) {
		struct player *player = &game->players[i];

		player->game = game;
		player->chance = chance_stream(game->seed, i);
		worker_start(&player->worker, i == 0 ? produce : consume, player);
	}
}

static uint64_t items_got_by_others(struct game *game, size_t than)
{
	uint64_t sum = 0;

	for (size_t i = 1; i <= CONSUMERS; i++)
		sum += i != than ? atomic_load(&game->players[i].items) : 0;
	return sum;
}

/* Waits until what(game, stopped) has grown by PROGRESS. False: it did not, for so many ms. */
static bool goes_on(uint64_t (*what)(struct game *, size_t), struct game *game, size_t stopped,
                    uint64_t before, long ms)
{
	struct timespec moment = {0, 10000}, end = spmcq_after((double)ms / 1000), now;

	while (what(game, stopped) < before + PROGRESS) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec > end.tv_nsec))
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

static uint64_t items_put(struct game *game, size_t stopped)
{
	(void)stopped;
	return atomic_load(&game->players[0].items);
}

/* The consumer that has made the fewest calls: with the producer stopped, each must get its answer.
 */
static uint64_t fewest_calls(struct game *game, size_t stopped)
{
	uint64_t fewest = UINT64_MAX;

	(void)stopped;
	for (size_t i = 1; i <= CONSUMERS; i++) {
		uint64_t calls = atomic_load(&game->players[i].calls);

		fewest = calls < fewest ? calls : fewest;
	}
	return fewest;
}

/* Stops one thread. Returns what was held up by that, or NULL. */
static const char *freeze_one(struct game *game, size_t stopped, long ms)
{
	uint32_t number = atomic_load(&frozen) + 1;
	const char *held_up = NULL;
	uint64_t put, got, calls;

	pthread_kill(game->players[stopped].worker.thread, SIGUSR1);
	while (atomic_load(&frozen) < number)
		sched_yield();
	game->led += game->calls != &locked_calls && is_led(game->q);
	put = items_put(game, stopped);
	got = items_got_by_others(game, stopped);
	calls = fewest_calls(game, stopped);
	if (stopped == 0)
		held_up = goes_on(fewest_calls, game, stopped, calls, ms) ? NULL : "a consumer";
	else if (!goes_on(items_put, game, stopped, put, ms))
		held_up = "the producer";
	else if (!goes_on(items_got_by_others, game, stopped, got, ms))
		held_up = "the other consumers";
	atomic_store(&thawed, number);
	return held_up;
}

/* Lets a thread make some calls, so that it is not stopped where it was stopped before. One that
 * sleeps makes none. */
static void let_run(const struct player *player, struct chance *chance)
{
	uint64_t calls = atomic_load(&player->calls) + 1 + chance_below(chance, 8);

	for (int looks = 0; looks < 100 && atomic_load(&player->calls) < calls; looks++)
		nanosleep(&(struct timespec){0, 10000}, NULL);
	for (volatile uint64_t i = chance_below(chance, 5000); i > 0; i = i - 1)
		;
}

static uint64_t freezes_wanted(const struct calls *calls)
{
	const char *text = getenv("SPMCQ_FREEZES");

	if (calls == &locked_calls)
		return LOCK_FREEZES;
	if (text)
		return strtoull(text, NULL, 10);
	if (calls == &leader_calls)
		return LEADER_FREEZES;
	return calls == &paced_calls ? PACED_FREEZES : FREEZES;
}

/* Stops threads from..to-1 of the game, one at a time, until a thread is held up. Which thread that
 * was, or NULL. */
static const char *play(struct game *game, size_t from, size_t to, long ms, bool blocks)
{
	struct chance chance = chance_stream(chance_seed(), 77);
	const char *held_up = NULL;
	uint64_t n = 0, wanted = freezes_wanted(game->calls);
	uint64_t end = stress_end();

	game->seed = chance_next(&chance);
	start(game);
	for (size_t i = 0; i <= CONSUMERS; i++)
		while (atomic_load(&game->players[i].calls) == 0)
			sleep_ms(1);
	while (!held_up && (n < wanted || !stress_is_over(end))) {
		size_t stopped = from + (size_t)chance_below(&chance, to - from);

		let_run(&game->players[stopped], &chance);
		held_up = freeze_one(game, stopped, ms);
		n++;
		check_doing("freeze %llu, thread %zu", (unsigned long long)n, stopped);
	}
	printf("# %llu freezes, %llu under a lead%s%s\n", (unsigned long long)n,
	       (unsigned long long)game->led, held_up ? "; held up: " : "", held_up ? held_up : "");
	atomic_store(&game->over, true);
	if (blocks)
		RETURNS(0, spmcq_shutdown(game->q));
	for (size_t i = 0; i <= CONSUMERS; i++)
		worker_join(&game->players[i].worker);
	return held_up;
}

/* ThreadSanitizer keeps signals back until the next system call, so a thread would not be stopped
 * at a random instruction. */
static void skip_if_signals_are_kept_back(void)
{
#if defined(__SANITIZE_THREAD__)
	check_skip("thread sanitizer delays signals");
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
	check_skip("thread sanitizer delays signals");
#endif
#endif
}

static void play_spmcq(const struct calls *calls, size_t from, size_t to)
{
	static struct game game;
	bool blocks = calls->get != try_get;
	const char *held_up;

	skip_if_signals_are_kept_back();
	game.calls = calls;
	game.q = queue_of(calls->put == paced_put ? AMPLE : CAPACITY);
	held_up = play(&game, from, to, STALLED_MS, blocks);
	CHECK(!held_up, "%s got no further for %d ms", held_up, STALLED_MS);
#ifdef SPMCQ_LEAD
	CHECK(calls != &leader_calls || game.led > 0 ||
	              !((struct spmcq *)game.q)->ring.cursor.can_lead,
	      "no leader was stopped");
#endif
	queue_free(game.q);
}

static void a_frozen_consumer_holds_up_nobody(void)
{
	play_spmcq(&try_calls, 1, CONSUMERS + 1);
}

static void a_frozen_producer_holds_up_no_consumer(void)
{
	play_spmcq(&try_calls, 0, 1);
}

static void a_consumer_frozen_in_a_blocking_get_holds_up_nobody(void)
{
	play_spmcq(&blocking_calls, 1, CONSUMERS + 1);
}

static void a_consumer_frozen_in_its_turn_holds_up_nobody(void)
{
	play_spmcq(&turn_calls, 1, CONSUMERS + 1);
}

static void a_frozen_leader_holds_up_nobody(void)
{
	play_spmcq(&leader_calls, 1, 2);
}

/* Items do not wait for the stopped consumer, even if they are put slowly. */
static void items_do_not_wait_for_a_consumer_frozen_in_a_blocking_get(void)
{
	play_spmcq(&paced_calls, 1, CONSUMERS + 1);
}

static void play_locked(size_t from, size_t to)
{
	static struct locked queue = {.lock = PTHREAD_MUTEX_INITIALIZER};
	static struct game game;

	skip_if_signals_are_kept_back();
	game.calls = &locked_calls;
	game.q = &queue;
	CHECK(play(&game, from, to, LOCK_MS, false),
	      "a lock held by a stopped thread went unnoticed");
}

static void the_test_sees_a_lock_held_by_a_frozen_consumer(void)
{
	play_locked(1, CONSUMERS + 1);
}

static void the_test_sees_a_lock_held_by_a_frozen_producer(void)
{
	play_locked(0, 1);
}

int main(void)
{
	RUN(the_test_sees_a_lock_held_by_a_frozen_consumer);
	RUN(the_test_sees_a_lock_held_by_a_frozen_producer);
	RUN(a_frozen_consumer_holds_up_nobody);
	RUN(a_frozen_producer_holds_up_no_consumer);
	RUN(a_consumer_frozen_in_a_blocking_get_holds_up_nobody);
	RUN(a_consumer_frozen_in_its_turn_holds_up_nobody);
	RUN(a_frozen_leader_holds_up_nobody);
	RUN(items_do_not_wait_for_a_consumer_frozen_in_a_blocking_get);
	return check_finish();
}
