/*
 * Several threads take turns as the producer: order and exactly-once hold across every hand-over.
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/worker.h"

enum { PRODUCERS = 4, CONSUMERS = 3 };

struct round {
	struct spmcq *q;
	uint64_t seed;
	_Atomic uint64_t streams;
	_Atomic uint64_t turn; /* the producer whose number is turn % PRODUCERS may put */
	_Atomic uint64_t next; /* the number to put next; written by whose turn it is */
	_Atomic bool over;
	_Atomic uint64_t sum; /* of the numbers got */
};

struct producer {
	struct round *round;
	uint64_t number;
	bool checked; /* the queue knows its producer, so it must be released */
};

static void put_a_stretch(struct round *round, struct chance *chance)
{
	uint64_t next = atomic_load(&round->next);

	for (uint64_t n = chance_below(chance, 20); n > 0; n--, next++)
		RETURNS(0, spmcq_put(round->q, &next));
	atomic_store(&round->next, next);
}

static void produce_in_turn(void *arg)
{
	struct producer *producer = arg;
	struct round *round = producer->round;
	struct chance chance = chance_stream(round->seed, producer->number);

	while (!atomic_load(&round->over)) {
		if (atomic_load(&round->turn) % PRODUCERS != producer->number) {
			chance_pause(&chance);
			continue;
		}
		/* One put at least, so that the side is this thread's to release. */
		RETURNS(0, spmcq_put(round->q, &(uint64_t){atomic_fetch_add(&round->next, 1)}));
		put_a_stretch(round, &chance);
		if (producer->checked)
			RETURNS(0, spmcq_release_producer(round->q));
		atomic_fetch_add(&round->turn, 1);
	}
}

static void consume(void *arg)
{
	struct round *round = arg;
	uint64_t number, least = 0;

	while (spmcq_get(round->q, &number) == 0) {
		CHECK(number >= least, "item %llu came after item %llu", (unsigned long long)number,
		      (unsigned long long)least - 1);
		least = number + 1;
		atomic_fetch_add(&round->sum, number);
		RETURNS(0, spmcq_task_done(round->q));
	}
}

static void take_turns(bool unchecked)
{
	struct spmcq_options options = {.unchecked_producer = unchecked};
	struct round round = {.seed = chance_seed()};
	struct producer producers[PRODUCERS];
	struct worker workers[PRODUCERS], consumers[CONSUMERS];
	uint64_t end = stress_end(), put;

	RETURNS(0, spmcq_create(&round.q, 5, sizeof(uint64_t), &options));
	for (size_t i = 0; i < CONSUMERS; i++)
		worker_start(&consumers[i], consume, &round);
	for (size_t i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){&round, i, !unchecked};
		worker_start(&workers[i], produce_in_turn, &producers[i]);
	}
	while (!stress_is_over(end))
		sleep_ms(5);
	atomic_store(&round.over, true);
	for (size_t i = 0; i < PRODUCERS; i++)
		worker_join(&workers[i]);
	RETURNS(0, spmcq_join(round.q));
	put = atomic_load(&round.next);
	COUNTS(put, stats_of(round.q).put);
	COUNTS(put, stats_of(round.q).got);
	COUNTS(put * (put - (put > 0)) / 2, atomic_load(&round.sum));
	RETURNS(0, spmcq_shutdown(round.q));
	for (size_t i = 0; i < CONSUMERS; i++)
		worker_join(&consumers[i]);
	queue_free(round.q);
}

static void a_released_producer_side_goes_round(void)
{
	take_turns(false);
}

static void an_unchecked_producer_side_goes_round(void)
{
	take_turns(true);
}

int main(void)
{
	RUN(a_released_producer_side_goes_round);
	RUN(an_unchecked_producer_side_goes_round);
	return check_finish();
}
