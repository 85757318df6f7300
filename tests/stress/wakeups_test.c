/*
 * All threads sleep most of the time: tiny queues, one item at a time, pauses at random places. If
 * a wake-up is lost, a thread sleeps on, and the property hangs.
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/worker.h"

enum { CONSUMERS_MAX = 5, JOINERS = 3 };

struct crew {
	struct spmcq *q;
	uint64_t seed;
	_Atomic uint64_t streams;
	_Atomic bool over;
	size_t consumers;
	struct worker workers[CONSUMERS_MAX];
	struct worker joiners[JOINERS];
};

static struct chance own_chance(struct crew *crew)
{
	return chance_stream(crew->seed, atomic_fetch_add(&crew->streams, 1));
}

static void consume(void *arg)
{
	struct crew *crew = arg;
	struct chance chance = own_chance(crew);
	int result = 0;

	while (result != -ESHUTDOWN) {
		struct timespec soon = spmcq_after((double)chance_below(&chance, 200) * 1e-6);

		result = chance_below(&chance, 4) == 0
		                 ? spmcq_get_until(crew->q, &(uint32_t){0}, &soon)
		                 : spmcq_get(crew->q, &(uint32_t){0});
		chance_pause(&chance);
		if (result == 0)
			RETURNS(0, spmcq_task_done(crew->q));
		else
			CHECK(result == -ETIMEDOUT || result == -ESHUTDOWN, "get returned %d",
			      result);
	}
}

static void join_again_and_again(void *arg)
{
	struct crew *crew = arg;
	struct chance chance = own_chance(crew);

	while (!atomic_load(&crew->over)) {
		struct timespec soon = spmcq_after((double)chance_below(&chance, 200) * 1e-6);
		int result = chance_below(&chance, 4) == 0 ? spmcq_join_until(crew->q, &soon)
		                                           : spmcq_join(crew->q);

		CHECK(result == 0 || result == -ETIMEDOUT, "join returned %d", result);
		chance_pause(&chance);
	}
}

static void crew_start(struct crew *crew, struct chance *chance)
{
	*crew = (struct crew){.q = queue_of(1 + (size_t)chance_below(chance, 3)),
	                      .seed = chance_next(chance),
	                      .consumers = 1 + (size_t)chance_below(chance, CONSUMERS_MAX)};
	check_doing("capacity %zu, %zu consumers", spmcq_capacity(crew->q), crew->consumers);
	for (size_t i = 0; i < crew->consumers; i++)
		worker_start(&crew->workers[i], consume, crew);
	for (size_t i = 0; i < JOINERS; i++)
		worker_start(&crew->joiners[i], join_again_and_again, crew);
}

static void crew_end(struct crew *crew)
{
	RETURNS(0, spmcq_join(crew->q));
	atomic_store(&crew->over, true);
	for (size_t i = 0; i < JOINERS; i++)
		worker_join(&crew->joiners[i]);
	RETURNS(0, spmcq_shutdown(crew->q));
	for (size_t i = 0; i < crew->consumers; i++)
		worker_join(&crew->workers[i]);
	COUNTS(0, spmcq_size(crew->q));
	COUNTS(0, spmcq_unfinished(crew->q));
	queue_free(crew->q);
}

/* Puts 1..most items and joins, again and again. */
static void put_and_join(uint64_t most, bool pauses)
{
	struct chance chance = chance_stream(chance_seed(), 0);
	uint64_t end = stress_end();

	do {
		struct crew crew;

		crew_start(&crew, &chance);
		for (int lap = 0; lap < 200; lap++) {
			for (uint64_t n = 1 + chance_below(&chance, most); n > 0; n--) {
				RETURNS(0, spmcq_put(crew.q, &(uint32_t){0}));
				if (pauses)
					chance_pause(&chance);
			}
			RETURNS(0, spmcq_join(crew.q));
		}
		crew_end(&crew);
	} while (!stress_is_over(end));
}

static void one_item_at_a_time_never_stalls(void)
{
	put_and_join(1, false);
}

static void a_tiny_queue_never_stalls(void)
{
	put_and_join(20, false);
}

static void a_tiny_queue_with_pauses_never_stalls(void)
{
	put_and_join(20, true);
}

static void bulk_puts_through_a_tiny_queue_never_stall(void)
{
	struct chance chance = chance_stream(chance_seed(), 1);
	uint64_t end = stress_end();
	uint32_t numbers[30] = {0};

	do {
		struct crew crew;

		crew_start(&crew, &chance);
		for (int lap = 0; lap < 100; lap++) {
			size_t n = 1 + (size_t)chance_below(&chance, COUNT_OF(numbers));

			RETURNS((ssize_t)n, spmcq_put_many(crew.q, numbers, n));
			if (chance_below(&chance, 2))
				chance_pause(&chance);
		}
		crew_end(&crew);
	} while (!stress_is_over(end));
}

/* Two queues and two threads that pass one item round: each sleeps for every item. */
struct ring {
	struct spmcq *there;
	struct spmcq *back;
};

static void echo(void *arg)
{
	struct ring *ring = arg;
	uint32_t number;

	while (spmcq_get(ring->there, &number) == 0)
		RETURNS(0, spmcq_put(ring->back, &number));
}

static void an_item_passed_round_never_stalls(void)
{
	uint64_t end = stress_end();
	struct ring ring = {queue_of(1), queue_of(1)};
	struct worker worker;

	worker_start(&worker, echo, &ring);
	for (uint32_t n = 0; n % 64 || !stress_is_over(end); n++) {
		uint32_t number = ~n;

		RETURNS(0, spmcq_put(ring.there, &n));
		RETURNS(0, spmcq_get(ring.back, &number));
		CHECK(number == n, "item %u came back as %u", n, number);
	}
	RETURNS(0, spmcq_shutdown(ring.there));
	worker_join(&worker);
	queue_free(ring.there);
	queue_free(ring.back);
}

int main(void)
{
	RUN(one_item_at_a_time_never_stalls);
	RUN(a_tiny_queue_never_stalls);
	RUN(a_tiny_queue_with_pauses_never_stalls);
	RUN(bulk_puts_through_a_tiny_queue_never_stall);
	RUN(an_item_passed_round_never_stalls);
	return check_finish();
}
