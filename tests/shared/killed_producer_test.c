/*
 * A producer may be killed after each single instruction of a call. The consumers get the items
 * that it put, and then an error. A successor goes on, and no item is lost or doubled. This process
 * is the consumer.
 */
#define _GNU_SOURCE
#include "kills.h"

#include "support/chance.h"
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	QUEUES = 6, /* used at the same time, because the processes sleep most of the time */
	LEAST = 30, /* games on each */
};

#define WRAP (UINT64_C(1) << 52)

/* What the victim does. */
struct plan {
	long (*call)(struct call *call);
	uint32_t n;      /* items that the call puts if it returns */
	uint32_t queued; /* items put before: the first two are got, and one of them reported */
	bool many;       /* the call returns n */
	bool sleeps;     /* the queue is full, so the victim sleeps in its call */
	bool closes;
	bool sealed;
};

static const struct plan *plan;

static struct chance chance;

static const struct timespec past = {0, 0};

struct game {
	struct puppet producer, successor;
	struct spmcq *q;
	item_value got; /* how many items this process has got, which is also the next number */
	bool drains;    /* this process gets all items before there is a successor */
	size_t capacity;
	struct spmcq_shared_options options;
};

static void note_got(struct game *game, item_value number)
{
	CHECK(number == game->got, "got %" PRI_ITEM ", not %" PRI_ITEM, number, game->got);
	game->got++;
}

static void get_one(struct game *game)
{
	item_value number = 0;

	RETURNS(0, spmcq_get(game->q, &number));
	note_got(game, number);
}

/* Gets an item that must have this number, although it comes out of order. */
static void get_one_of(struct game *game, item_value want)
{
	item_value number = ~want;

	RETURNS(0, spmcq_get(game->q, &number));
	CHECK(number == want, "got %" PRI_ITEM ", not %" PRI_ITEM, number, want);
}

static void begin(struct game *game)
{
	struct call *call = &game->producer.call;

	puppet_start(&game->producer);
	puppet_start(&game->successor);
	create_by(&game->producer, game->capacity, &game->options);
	join_by(&game->producer, &game->q);
	if (plan->queued == 0)
		return;
	RETURNS(2, told(&game->producer, act_put_many, 2));
	get_one(game);
	get_one(game);
	RETURNS(0, spmcq_task_done(game->q));
	call->number = 2;
	RETURNS(plan->queued - 2, told(&game->producer, act_put_many, plan->queued - 2));
	call->number = plan->queued;
}

/* Returns whether the call returned before the kill. */
static bool break_off(struct game *game, struct end end)
{
	struct puppet *victim = &game->producer;
	int status;

	tell_ending(victim, plan->call, plan->n, end);
	if (plan->sleeps && puppet_sleeps(victim)) {
		end_sleeper(victim, end);
		if (end.at % 2)
			sleep_ms(1);
		get_one(game);
		get_one(game);
	}
	if (answered(victim)) {
		CHECK(victim->call.result >= 0, "the call returned %ld", victim->call.result);
		if (plan->call != act_reap)
			RETURNS(plan->many ? plan->n : 0, victim->call.result);
		puppet_kill(victim);
		return true;
	}
	status = puppet_await_end(victim);
	CHECK(end.deed == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
	      "the victim ended with status %#x", (unsigned)status);
	return false;
}

/* Gets the items that are left. Then a get must return -EOWNERDEAD, or -ESHUTDOWN. */
static void drain_of_dead(struct game *game)
{
	double since = seconds_now();
	item_value number = 0;
	int result;

	while ((result = spmcq_get(game->q, &number)) == 0)
		note_got(game, number);
	CHECK(result == -EOWNERDEAD || (plan->closes && result == -ESHUTDOWN), "get: %d", result);
	CHECK(seconds_now() - since < 4, "this took %.1f s", seconds_now() - since);
	result = spmcq_join(game->q);
	CHECK(result == (spmcq_unfinished(game->q) ? -EOWNERDEAD : 0), "join: %d, unfinished: %zu",
	      result, spmcq_unfinished(game->q));
}

/* Returns how many items the killed producer had put. */
static item_value count_put(struct game *game, bool through)
{
	long size = told(&game->successor, act_size, 0);
	item_value put = game->got + (item_value)size;

	CHECK(size >= 0 && (size_t)size <= game->capacity, "size %ld", size);
	CHECK(put >= plan->queued && put <= plan->queued + plan->n,
	      "%" PRI_ITEM " were put of %u and %u", put, plan->queued, plan->n);
	if (through)
		COUNTS(plan->queued + plan->n, put);
	if (plan->n > 0 && !through)
		count_kill(put > plan->queued);
	RETURNS(0, told(&game->successor, act_stats, 0));
	COUNTS(put, game->successor.call.stats.put);
	COUNTS(game->got, game->successor.call.stats.got);
	return put;
}

static void go_on(struct game *game, bool through)
{
	struct puppet *successor = &game->successor;
	item_value put = count_put(game, through), reported = plan->queued > 0, number;
	bool closed = told(successor, act_is_shutdown, 0);

	CHECK(!closed || plan->closes, "the queue is closed");
	CHECK(closed || !(plan->closes && through), "a shutdown was lost");
	if (plan->closes && !through)
		count_kill(closed);
	while (game->got < put)
		get_one(game);
	/* Reports all items but one, which must stay unfinished for the successor. */
	for (; reported + 1 < put; reported++)
		RETURNS(0, spmcq_task_done(game->q));
	successor->call.number = put;
	if (closed)
		RETURNS(-ESHUTDOWN, told(successor, act_put, 0));
	else
		for (uint32_t i = 0; i < 3; i++, put++) {
			successor->call.number = put;
			RETURNS(0, told(successor, act_put, 0));
			get_one(game);
		}
	RETURNS(closed ? -ESHUTDOWN : -EAGAIN, spmcq_try_get(game->q, &number));
	COUNTS(put, game->got);
	COUNTS(put - reported, spmcq_unfinished(game->q));
	RETURNS(put == reported ? 0 : -ETIMEDOUT, told_until(successor, act_join_until, 0, 0));
	if (put > reported)
		RETURNS(0, spmcq_task_done_many(game->q, put - reported));
	RETURNS(-ERANGE, spmcq_task_done(game->q));
	RETURNS(0, told(successor, act_join, 0));
	RETURNS(0, spmcq_join_until(game->q, &past));
	RETURNS(0, told(successor, act_shutdown, 0));
	RETURNS(-ESHUTDOWN, spmcq_get(game->q, &number));
}

static unsigned play(struct end end)
{
	static const size_t capacities[] = {7, 64, 1000};
	struct game game = {.capacity = capacities[chance_below(&chance, 3)],
	                    .drains = chance_below(&chance, 3) == 0};
	bool through;

	if (plan->sleeps)
		game.capacity = plan->queued - 2;
	game.options = (struct spmcq_shared_options){
	        .processes = 4,
	        .threads = 2,
	        .redeliver = !WORDS && chance_below(&chance, 2) == 0,
	        .sealed = plan->sealed,
	        .first_position = WRAP - chance_below(&chance, 12),
	};
	begin(&game);
	through = break_off(&game, end);
	if (game.drains)
		drain_of_dead(&game);
	succeed(&game.successor, &game.q);
	go_on(&game, through);
	queue_free(game.q);
	puppet_end(&game.successor);
	return through ? game.producer.call.steps : 0;
}

static void begin_games(unsigned worker)
{
	chance = chance_stream(chance_seed() + worker, worker);
}

static void kill_everywhere(const struct plan *of)
{
	if (of->sealed && !can_seal())
		check_skip("sealing is not built");
	plan = of;
	kill_in_games(&(struct kills){.begin = begin_games,
	                              .play = play,
	                              .queues = QUEUES,
	                              .least = LEAST,
	                              .seconds = 1,
	                              .sleeps = of->sleeps});
}

static void a_producer_may_be_killed_in_its_first_put(void)
{
	kill_everywhere(&(struct plan){.call = act_put, .n = 1});
}

static void a_producer_may_be_killed_in_put(void)
{
	kill_everywhere(&(struct plan){.call = act_put, .n = 1, .queued = 4});
}

static void a_producer_may_be_killed_in_put_many(void)
{
	kill_everywhere(&(struct plan){.call = act_put_many, .n = 4, .queued = 4, .many = true});
}

static void a_producer_may_be_killed_in_a_put_that_sleeps(void)
{
	kill_everywhere(&(struct plan){.call = act_put, .n = 1, .queued = 6, .sleeps = true});
}

static void a_producer_may_be_killed_in_a_sealed_put_many(void)
{
	kill_everywhere(&(struct plan){
	        .call = act_put_many, .n = 4, .queued = 4, .many = true, .sealed = true});
}

static void a_producer_may_be_killed_in_shutdown(void)
{
	kill_everywhere(&(struct plan){.call = act_shutdown, .queued = 4, .closes = true});
}

/* consumers that are killed, too */

/* Two consumers are killed, each with an item: one before the producer, and one after. */
static void a_successor_reaps_who_died_before(bool redeliver, bool sealed)
{
	struct game game = {.capacity = 10, .options = {.redeliver = redeliver, .sealed = sealed}};
	struct puppet early, late;
	struct spmcq_lost lost[3];
	item_value number;

	plan = &(struct plan){.queued = 0};
	begin(&game);
	puppet_start(&early);
	puppet_start(&late);
	admit_by(&game.producer, &early);
	admit_by(&game.producer, &late);
	RETURNS(4, told(&game.producer, act_put_many, 4));
	RETURNS(0, told(&early, act_get, 0));
	RETURNS(0, told(&late, act_get, 0));
	puppet_kill(&early);
	puppet_kill(&game.producer);
	puppet_kill(&late);
	game.got = 2;
	get_one(&game);
	succeed(&game.successor, &game.q);
	RETURNS(-EOWNERDEAD, told(&game.successor, act_join, 0));
	RETURNS(2, told(&game.successor, act_reap, 3));
	for (size_t i = 0; i < 2; i++)
		lost[i] = game.successor.call.lost[i];
	if (lost[0].position > lost[1].position) {
		lost[2] = lost[0];
		lost[0] = lost[1];
		lost[1] = lost[2];
	}
	for (size_t i = 0; i < 2; i++) {
		COUNTS(i, lost[i].position);
		COUNTS(1, lost[i].items);
		RETURNS(i == 0 ? early.process : late.process, lost[i].process);
		CHECK(lost[i].redelivered == redeliver, "redelivered: %d", lost[i].redelivered);
	}
	for (uint32_t i = 0; i < 2 && redeliver; i++) {
		RETURNS(0, spmcq_try_get(game.q, &number));
		CHECK(number < 2, "got %" PRI_ITEM, number);
	}
	get_one(&game);
	RETURNS(-EAGAIN, spmcq_try_get(game.q, &number));
	RETURNS(0, spmcq_task_done_many(game.q, redeliver ? 4 : 2));
	RETURNS(0, told(&game.successor, act_join, 0));
	queue_free(game.q);
	puppet_end(&game.successor);
}

static void a_successor_reaps_who_died_under_another(void)
{
	for (int i = 0; i < (can_seal() ? 4 : 2); i++) {
		check_doing("redeliver %d, sealed %d", i % 2, i / 2);
		a_successor_reaps_who_died_before(i % 2, i / 2);
	}
}

/* A producer that is killed in reap has named (or redelivered) none, some or all of the lost items.
 * Its successor does this for the rest, and no more. */
static unsigned play_reap(struct end end)
{
	struct game game = {.capacity = 10};
	unsigned char times[4] = {0}, named[4] = {0};
	struct puppet loser;
	item_value number;
	bool through;
	long result;

	game.options = (struct spmcq_shared_options){.processes = 2,
	                                             .threads = 1,
	                                             .redeliver = chance_below(&chance, 2) == 0,
	                                             .sealed = chance_below(&chance, 3) == 0 &&
	                                                       can_seal()};
	begin(&game);
	puppet_start(&loser);
	admit_by(&game.producer, &loser);
	game.producer.call.number = 0;
	RETURNS(4, told(&game.producer, act_put_many, 4));
	RETURNS(0, told(&loser, act_get, 0));
	get_one_of(&game, 1);
	RETURNS(0, told(&loser, act_get, 0));
	puppet_kill(&loser);
	through = break_off(&game, end);
	succeed(&game.successor, &game.q);
	while ((result = told(&game.successor, act_reap, 1)) == 1) {
		const struct spmcq_lost *lost = &game.successor.call.lost[0];

		for (uint64_t i = 0; i < lost->items; i++) {
			CHECK((lost->position + i) % 2 == 0 && lost->position + i < 4,
			      "position %llu was named", (unsigned long long)lost->position);
			named[lost->position + i]++;
		}
		RETURNS(loser.process, lost->process);
	}
	RETURNS(0, result);
	for (number = 0; number < 4; number++)
		CHECK(named[number] <= 1, "item %" PRI_ITEM " was named %u times", number,
		      named[number]);
	while (spmcq_try_get(game.q, &number) == 0) {
		CHECK(number < 4, "got %" PRI_ITEM, number);
		times[number]++;
		RETURNS(0, spmcq_task_done(game.q));
	}
	for (number = 0; number < 4; number++)
		CHECK(times[number] == (number == 3 || (number != 1 && game.options.redeliver)),
		      "item %" PRI_ITEM " came %u times, redeliver %d", number, times[number],
		      game.options.redeliver);
	RETURNS(0, spmcq_task_done(game.q));
	RETURNS(0, told_until(&game.successor, act_join_until, 0, 5));
	RETURNS(0, told(&game.successor, act_unfinished, 0));
	if (!through)
		count_kill(!named[0]);
	queue_free(game.q);
	puppet_end(&game.successor);
	return through ? game.producer.call.steps : 0;
}

static void a_producer_may_be_killed_in_reap(void)
{
	plan = &(struct plan){.call = act_reap, .n = 4};
	kill_in_games(&(struct kills){
	        .begin = begin_games, .play = play_reap, .queues = QUEUES, .least = LEAST});
}

/* A successor is killed after some microseconds. Whatever it has done by then, another process can
 * succeed. */
static void try_to_succeed(struct game *game, double microseconds)
{
	struct puppet hasty;
	int ends[2], status = 0;

	puppet_start(&hasty);
	socket_pair(SOCK_STREAM, ends);
	hasty.call.stepped = act_succeed;
	hasty.call.seconds = microseconds / 1e6;
	tell_with(&hasty, act_for_a_while, ends[0]);
	close(ends[0]);
	(void)spmcq_shared_admit(game->q, ends[1]);
	close(ends[1]);
	if (answered(&hasty))
		puppet_kill(&hasty);
	else
		status = puppet_await_end(&hasty);
	CHECK(status == 0 || WIFSIGNALED(status), "it ended with status %#x", (unsigned)status);
}

static void succeed_again_and_again(unsigned worker)
{
	double stop = seconds_now() + 1.5;

	begin_games(worker);
	while (seconds_now() < stop) {
		struct game game = {.capacity = 10};

		game.options.redeliver = chance_below(&chance, 2) == 0;
		game.options.sealed = chance_below(&chance, 2) == 0 && can_seal();
		begin(&game);
		RETURNS(5, told(&game.producer, act_put_many, 5));
		get_one(&game);
		puppet_kill(&game.producer);
		for (int i = 0; i < 2; i++) {
			double microseconds = 1 + (double)chance_below(&chance, 1500);

			check_doing("for %.0f us, sealed %d (seed %llu)", microseconds,
			            game.options.sealed, (unsigned long long)chance_seed());
			try_to_succeed(&game, microseconds);
		}
		succeed(&game.successor, &game.q);
		for (int i = 0; i < 4; i++)
			get_one(&game);
		RETURNS(0, spmcq_task_done_many(game.q, 5));
		RETURNS(0, told(&game.successor, act_join, 0));
		queue_free(game.q);
		puppet_end(&game.successor);
	}
}

static void a_successor_may_be_killed_at_any_time(void)
{
	plan = &(struct plan){.queued = 0};
	chance_seed();
	in_parallel(QUEUES, succeed_again_and_again);
}

/* A successor does not take up the place of a peer. */
static void a_successor_comes_though_all_places_are_taken(void)
{
	struct game game = {.capacity = 4, .options = {.processes = 2, .threads = 1}};
	struct puppet other;

	plan = &(struct plan){.queued = 0};
	begin(&game);
	puppet_start(&other);
	admit_by(&game.producer, &other);
	RETURNS(2, told(&game.producer, act_put_many, 2));
	puppet_kill(&game.producer);
	get_one(&game);
	succeed(&game.successor, &game.q);
	admit_by(&game.successor, &other);
	RETURNS(1, told(&other, act_drain, 0));
	RETURNS(0, spmcq_task_done(game.q));
	RETURNS(0, told(&game.successor, act_join, 0));
	queue_free(game.q);
	puppet_end(&other);
	puppet_end(&game.successor);
}

/* The other consumer is killed before the producer, after it, or after the successor came. It holds
 * an item, which must be reaped first, or none. */
static void a_successor_frees_the_place_of_a_killed_consumer(void)
{
	for (int i = 0; i < 6; i++) {
		struct game game = {.capacity = 4, .options = {.processes = 2, .threads = 1}};
		struct puppet other, next;
		bool holds = i / 3;

		check_doing("case %d, it holds an item: %d", i % 3, holds);
		plan = &(struct plan){.queued = 0};
		begin(&game);
		puppet_start(&other);
		puppet_start(&next);
		admit_by(&game.producer, &other);
		RETURNS(1, told(&game.producer, act_put_many, 1));
		RETURNS(0, told(&other, act_get, 0));
		if (!holds)
			RETURNS(0, told(&other, act_task_done, 0));
		if (i % 3 == 0)
			puppet_kill(&other);
		puppet_kill(&game.producer);
		if (i % 3 == 1)
			puppet_kill(&other);
		succeed(&game.successor, &game.q);
		if (i % 3 == 2)
			puppet_kill(&other);
		RETURNS(holds, told(&game.successor, act_reap, 2));
		admit_by(&game.successor, &next);
		RETURNS(0, told(&game.successor, act_put, 0));
		RETURNS(1, told(&next, act_drain, 0));
		RETURNS(0, told(&game.successor, act_join, 0));
		queue_free(game.q);
		puppet_end(&next);
		puppet_end(&game.successor);
	}
}

/* The second successor asks a consumer that has not seen the first one. The first lives, or has
 * been killed. The second is refused, or goes on where the first stopped. */
static void two_successors_are_not_both_the_producer(void)
{
	for (int dead = 0; dead < 2; dead++) {
		struct game game = {.capacity = 6};
		struct puppet other, second;
		long result, admitted;

		check_doing("the first is dead: %d", dead);
		plan = &(struct plan){.queued = 0};
		begin(&game);
		puppet_start(&other);
		puppet_start(&second);
		admit_by(&game.producer, &other);
		RETURNS(4, told(&game.producer, act_put_many, 4));
		puppet_kill(&game.producer);
		succeed(&game.successor, &game.q);
		get_one(&game);
		game.successor.call.number = 4;
		RETURNS(0, told(&game.successor, act_put, 0));
		get_one(&game);
		if (dead)
			puppet_kill(&game.successor);
		introduce(&other, &second, act_succeed);
		result = second.call.result;
		admitted = other.call.result;
		CHECK(result <= 0 && (dead || result < 0), "succeed: %ld", result);
		CHECK(admitted <= 0 && (dead || admitted < 0), "admit: %ld", admitted);
		if (!dead) {
			admit_by(&game.successor, &other);
			RETURNS(3, told(&other, act_drain, 0));
			CHECK(other.call.items[0] == 2, "got %" PRI_ITEM, other.call.items[0]);
			RETURNS(0, spmcq_task_done_many(game.q, 2));
			RETURNS(0, told(&game.successor, act_join, 0));
			puppet_end(&game.successor);
		} else if (result == 0) {
			admit_by(&second, &other);
			RETURNS(3, told(&other, act_drain, 0));
			CHECK(other.call.items[0] == 2, "got %" PRI_ITEM " again",
			      other.call.items[0]);
		}
		puppet_end(&other);
		puppet_end(&second);
		queue_free(game.q);
	}
}

/* Successors are killed as well, and take up no places, however many they are. */
static void ten_producers_succeed_each_other(void)
{
	struct game game = {.capacity = 4, .options = {.processes = 1}};

	plan = &(struct plan){.queued = 0};
	begin(&game);
	for (item_value i = 0; i < 10; i++) {
		game.producer.call.number = 3 * i;
		RETURNS(3, told(&game.producer, act_put_many, 3));
		puppet_kill(&game.producer);
		get_one(&game);
		if (i % 2)
			get_one(&game);
		succeed(&game.successor, &game.q);
		get_one(&game);
		if (i % 2 == 0)
			get_one(&game);
		RETURNS(0, spmcq_task_done_many(game.q, 3));
		RETURNS(0, told(&game.successor, act_join, 0));
		game.producer = game.successor;
		puppet_start(&game.successor);
	}
	queue_free(game.q);
	puppet_end(&game.successor);
	puppet_end(&game.producer);
}

static void sleeping_calls_return_when_the_producer_is_killed(void)
{
	struct game game = {.capacity = 4};
	struct puppet getter, joiner;
	double since;

	plan = &(struct plan){.queued = 0};
	begin(&game);
	puppet_start(&getter);
	puppet_start(&joiner);
	admit_by(&game.producer, &getter);
	admit_by(&game.producer, &joiner);
	RETURNS(0, told(&game.producer, act_put, 0));
	get_one(&game);
	tell(&getter, act_get, 0);
	tell(&joiner, act_join, 0);
	puppet_await_sleep(&getter);
	puppet_await_sleep(&joiner);
	since = seconds_now();
	puppet_kill(&game.producer);
	RETURNS(-EOWNERDEAD, answer(&getter));
	RETURNS(-EOWNERDEAD, answer(&joiner));
	CHECK(seconds_now() - since < 4, "this took %.1f s", seconds_now() - since);
	/* A try_get returns -EOWNERDEAD, too. */
	for (int i = 0; i < 1000000; i++) {
		int result = spmcq_try_get(game.q, &(item_value){0});

		if (result == -EOWNERDEAD)
			break;
		RETURNS(-EAGAIN, result);
		CHECK(seconds_now() - since < 5, "try_get does not say so");
	}
	succeed(&game.successor, &game.q);
	admit_by(&game.successor, &getter);
	tell(&getter, act_get, 0);
	puppet_await_sleep(&getter);
	game.successor.call.number = 1;
	RETURNS(0, told(&game.successor, act_put, 0));
	RETURNS(0, answer(&getter));
	CHECK(getter.call.items[0] == 1, "got %" PRI_ITEM, getter.call.items[0]);
	puppet_end(&getter);
	puppet_end(&joiner);
	queue_free(game.q);
	puppet_end(&game.successor);
}

/* The producer is killed, and a successor puts two items. The peer `late` is not admitted to the
 * successor yet; it still has the handle of the killed producer's queue. */
static void begin_with_late(struct game *game, struct puppet *late)
{
	plan = &(struct plan){.queued = 0};
	begin(game);
	puppet_start(late);
	admit_by(&game->producer, late);
	RETURNS(0, told(&game->producer, act_put, 0));
	get_one(game);
	puppet_kill(&game->producer);
	succeed(&game->successor, &game->q);
	game->successor.call.number = 1;
	RETURNS(2, told(&game->successor, act_put_many, 2));
}

static void end_with_late(struct game *game, struct puppet *late)
{
	puppet_end(late);
	queue_free(game->q);
	puppet_end(&game->successor);
}

static void a_late_peer_gets_eownerdead_until_it_rejoins(void)
{
	for (int closed = 0; closed < 2; closed++) {
		struct game game = {.capacity = 4};
		struct puppet late;

		begin_with_late(&game, &late);
		get_one(&game);
		RETURNS(0, spmcq_task_done(game.q));
		if (closed)
			RETURNS(0, told(&game.successor, act_shutdown, 0));
		RETURNS(-EOWNERDEAD, told(&late, act_get, 0));
		RETURNS(-EOWNERDEAD, told(&late, act_join, 0));
		admit_by(&game.successor, &late);
		RETURNS(0, told(&late, act_get, 0));
		COUNTS(2, late.call.items[0]);
		RETURNS(0, told(&late, act_task_done, 0));
		RETURNS(0, spmcq_task_done(game.q));
		RETURNS(0, told(&late, act_join, 0));
		end_with_late(&game, &late);
	}
}

static void a_late_peer_that_shuts_down_loses_no_item(void)
{
	struct game game = {.capacity = 4};
	struct puppet late;
	item_value number;

	begin_with_late(&game, &late);
	RETURNS(0, told(&late, act_shutdown, 0));
	game.successor.call.number = 3;
	RETURNS(-ESHUTDOWN, told(&game.successor, act_put, 0));
	get_one(&game);
	get_one(&game);
	RETURNS(-ESHUTDOWN, spmcq_get(game.q, &number));
	end_with_late(&game, &late);
}

static void a_living_producer_has_no_successor(void)
{
	struct game game = {.capacity = 4};

	plan = &(struct plan){.queued = 0};
	begin(&game);
	fail_to_succeed(&game.successor, game.q);
	/* The producer itself does not admit a successor either. */
	introduce(&game.producer, &game.successor, act_succeed);
	CHECK(game.producer.call.result < 0, "a successor was admitted");
	RETURNS(-EBUSY, game.successor.call.result);
	RETURNS(0, told(&game.producer, act_put, 0));
	get_one(&game);
	queue_free(game.q);
	puppet_end(&game.producer);
	puppet_end(&game.successor);
}

/* Calls that do not depend on the size of the items. */
static void run_calls_of_any_size(void)
{
	RUN(a_producer_may_be_killed_in_put_many);
	RUN(a_producer_may_be_killed_in_a_put_that_sleeps);
	RUN(a_producer_may_be_killed_in_a_sealed_put_many);
	RUN(a_producer_may_be_killed_in_shutdown);
	RUN(a_producer_may_be_killed_in_reap);
}

int main(void)
{
	RUN(a_producer_may_be_killed_in_its_first_put);
	RUN(a_producer_may_be_killed_in_put);
	if (!WORDS)
		run_calls_of_any_size();
	RUN(a_successor_may_be_killed_at_any_time);
	RUN(a_successor_reaps_who_died_under_another);
	RUN(a_successor_comes_though_all_places_are_taken);
	RUN(a_successor_frees_the_place_of_a_killed_consumer);
	RUN(two_successors_are_not_both_the_producer);
	RUN(ten_producers_succeed_each_other);
	RUN(sleeping_calls_return_when_the_producer_is_killed);
	RUN(a_late_peer_gets_eownerdead_until_it_rejoins);
	RUN(a_late_peer_that_shuts_down_loses_no_item);
	RUN(a_living_producer_has_no_successor);
	return check_finish();
}
