/*
 * Squares: the main job.
 *
 *           +--> consumer 1 --+
 * producer -+--> ...          +--> squares   Timed: first put to join returning.
 *           +--> consumer N --+              Not timed: threads, page faults, a warm-up.
 *
 * The producer puts 0..N-1 and joins; a consumer gets n, appends (n, n * n) to its results and
 * reports it done. Checked: when join returns, every square is there; no more items were between
 * put and get than the queue may hold; every n is there exactly once with its square, and, where
 * the queue promises order, ascending at each consumer; else the run is void.
 *
 * With a queue between processes the results are in common memory.
 *
 * The warm-up is the same job with the numbers from N on, joined before the clock starts: it
 * touches every slot and stack, and runs every branch once. It is checked with the rest.
 */
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "measure/common.h"
#include "measure/usage.h"
#include "queues/results.h"

struct squares {
	uint64_t items;  /* N */
	uint64_t warmup; /* the numbers N .. N + warmup - 1 come first */
	struct results_pool pool;
	struct results *results; /* one a consumer */
	struct usage usage;      /* of the timed part; written by the producer */
};

enum { METRIC_RATE, METRIC_CPU, METRIC_SWITCHES, METRIC_INVOLUNTARY };

/* Twice round the queue, or a twentieth of the job if that is more, but no more than the job. */
static uint64_t warmup_for(const struct bench_point *point)
{
	uint64_t round = 2 * point->capacity, part = point->items / 20;

	if (round < part)
		return part;
	return round < point->items ? round : point->items;
}

static void produce(struct crew_member *me)
{
	struct squares *job = me->job;
	char *buffer = crew_buffer(me);

	crew_put_numbers(me, buffer, job->items, job->items + job->warmup);
	crew_join(me);

	usage_begin(&job->usage);
	crew_put_numbers(me, buffer, 0, job->items);
	crew_join(me);
	usage_end(&job->usage);

	crew_shut_down(me);
	free(buffer);
}

static void consume(struct crew_member *me)
{
	struct squares *job = me->job;
	struct results results = job->results[me->number]; /* a copy: nobody else's cache line */
	size_t item_size = me->run->point.item_size, got;
	char *buffer = crew_buffer(me);

	while ((got = crew_get(me, buffer)) > 0) {
		for (size_t i = 0; i < got; i++)
			results_append(&results, item_read(buffer + i * item_size, item_size));
		crew_done(me, got);
	}
	results_close(&results);
	job->results[me->number] = results;
	free(buffer);
}

struct findings {
	uint64_t found, doubled, strange, wrong, disordered;
};

/* Returns the place of a number in the order of the puts: the numbers of the warm-up come first. */
static uint64_t order_of(const struct squares *job, uint64_t n)
{
	return n >= job->items ? n - job->items : n + job->warmup;
}

static void examine(const struct squares *job, const struct results *results, unsigned char *seen,
                    struct findings *findings)
{
	uint64_t next = 0; /* the order the next number has at least */

	for (const struct results_chunk *chunk = results->first; chunk; chunk = chunk->next) {
		for (size_t i = 0; i < chunk->used; i++) {
			struct square square = chunk->squares[i];
			unsigned char bit = (unsigned char)(1u << square.n % 8);

			if (square.n >= job->items + job->warmup) {
				findings->strange++;
				continue;
			}
			findings->found += !(seen[square.n / 8] & bit);
			findings->doubled += !!(seen[square.n / 8] & bit);
			findings->wrong += square.squared != square.n * square.n;
			findings->disordered += order_of(job, square.n) < next;
			seen[square.n / 8] |= bit;
			next = order_of(job, square.n) + 1;
		}
	}
}

static void check(const struct squares *job, const struct bench_run *run,
                  struct bench_result *result)
{
	struct findings findings = {0};
	uint64_t put = job->items + job->warmup;
	unsigned char *seen = calloc(put / 8 + 1, 1);

	if (!seen) {
		bench_void(result, "check: no memory");
		return;
	}
	for (size_t i = 0; i < run->point.consumers; i++)
		examine(job, &job->results[i], seen, &findings);
	free(seen);
	if (!(run->queue->can & BENCH_FIFO))
		findings.disordered = 0;
	if (findings.found == put && !findings.doubled && !findings.strange && !findings.wrong &&
	    !findings.disordered)
		result->outcome = BENCH_CHECKED;
	else
		bench_void(result,
		           "of %llu items: %llu lost, %llu doubled, %llu never put or torn, "
		           "%llu with a wrong square, %llu out of order",
		           (unsigned long long)put, (unsigned long long)(put - findings.found),
		           (unsigned long long)findings.doubled,
		           (unsigned long long)findings.strange, (unsigned long long)findings.wrong,
		           (unsigned long long)findings.disordered);
}

/* As Python prints a sorted list of pairs. Every number is there once, so its place is its value.
 */
static void print(const struct squares *job, const struct bench_run *run,
                  struct bench_result *result)
{
	struct square *sorted = calloc(job->items, sizeof(*sorted));

	if (!sorted) {
		bench_void(result, "print: no memory");
		return;
	}
	for (size_t i = 0; i < run->point.consumers; i++)
		for (const struct results_chunk *c = job->results[i].first; c; c = c->next)
			for (size_t j = 0; j < c->used; j++)
				if (c->squares[j].n < job->items)
					sorted[c->squares[j].n] = c->squares[j];
	for (uint64_t n = 0; n < job->items; n++)
		fprintf(run->print, "%s(%llu, %llu)", n ? ", " : "[",
		        (unsigned long long)sorted[n].n, (unsigned long long)sorted[n].squared);
	fprintf(run->print, "]\n");
	free(sorted);
}

static void measure(const struct squares *job, struct bench_result *result)
{
	const struct usage *usage = &job->usage;
	double items = (double)job->items;

	result->seconds = usage->seconds;
	result->foreign = usage_foreign(usage);
	result->metric[METRIC_RATE] = items / usage->seconds;
	result->metric[METRIC_CPU] = usage->cpu_seconds / items * 1e9;
	result->metric[METRIC_SWITCHES] =
	        (double)(usage->voluntary + usage->involuntary) / items * 1000;
	result->metric[METRIC_INVOLUNTARY] = (double)usage->involuntary / items * 1000;
}

/* The competitor does all of the work. */
static void run_itself(const struct bench_run *run, struct squares *job,
                       struct bench_result *result)
{
	const struct bench_point *point = &run->point;
	pthread_attr_t producer, consumer;

	if (run->print && run->queue->can & BENCH_ELSEWHERE) {
		bench_void(result, "its squares stay in another program");
		return;
	}
	pthread_attr_init(&producer);
	pthread_attr_init(&consumer);
	machine_pin_place(run->pin, 0, &producer);
	machine_pin_place(run->pin, 1, &consumer);
	const struct bench_squares_job itself = {.shape = {.capacity = point->capacity,
	                                                   .item_size = point->item_size,
	                                                   .consumers = point->consumers},
	                                         .items = point->items,
	                                         .bulk = point->bulk,
	                                         .producer = &producer,
	                                         .consumer = &consumer,
	                                         .results = &job->results[0],
	                                         .usage = &job->usage};
	const char *wrong = run->queue->squares(&itself);
	if (wrong)
		bench_void(result, "%s", wrong);
	results_close(&job->results[0]);
	pthread_attr_destroy(&consumer);
	pthread_attr_destroy(&producer);
}

static void close_job(struct squares *job)
{
	if (job->pool.chunks)
		results_pool_destroy(&job->pool);
	common_free(job->results);
	common_free(job);
}

/* NULL: there is no memory. */
static struct squares *open_job(const struct bench_run *run)
{
	struct squares *job = common_alloc(1, sizeof(*job));
	size_t consumers = run->point.consumers;

	if (!job)
		return NULL;
	job->items = run->point.items;
	job->warmup = run->queue->squares ? 0 : warmup_for(&run->point);
	job->results = common_alloc(consumers, sizeof(*job->results));
	if (!job->results || results_pool_create(&job->pool, job->items + job->warmup, consumers,
	                                         run->queue->can & BENCH_PROCESSES)) {
		close_job(job);
		return NULL;
	}
	for (size_t i = 0; i < consumers; i++)
		results_open(&job->results[i], &job->pool);
	return job;
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	struct squares *job = open_job(run);
	struct crew crew = {
	        .run = run, .job = job, .result = result, .produce = produce, .consume = consume};

	if (!job) {
		bench_void(result, "no memory for the results");
		return;
	}
	if (run->queue->squares)
		run_itself(run, job, result);
	else
		crew_run(&crew);
	if (result->outcome == BENCH_NOT_RUN && run->queue->can & BENCH_ELSEWHERE)
		result->outcome = BENCH_CHECKED; /* there */
	else if (result->outcome != BENCH_VOID)
		check(job, run, result);
	crew_judge(&crew);
	if (result->outcome == BENCH_CHECKED) {
		measure(job, result);
		if (run->print)
			print(job, run, result);
	}
	close_job(job);
}

extern const struct bench_workload bench_squares;
const struct bench_workload bench_squares = {
        .name = "squares",
        .what = "numbers in, squares out, joined and checked",
        .method = "timed from the first put to the return of join; every item checked",
        .uses = 1 << BENCH_ITEMS | 1 << BENCH_CONSUMERS | 1 << BENCH_CAPACITY |
                1 << BENCH_BULK_SIZE | 1 << BENCH_ITEM_SIZE,
        .defaults = {.items = 0, .consumers = 5, .capacity = 1024, .bulk = 1, .item_size = 8},
        .bytes_per_item = sizeof(struct square),
        .queues = "spmcq,mutex",
        .runs = 5,
        .can_print = true,
        .axis = "throughput (million items/s)",
        .metrics = {[METRIC_RATE] = {"items_per_second", "M items/s", 1e6, BENCH_MORE},
                    [METRIC_CPU] = {"cpu_ns_per_item", "cpu ns/item", 1, BENCH_LESS},
                    [METRIC_SWITCHES] = {"switches_per_1000", "switches/1000", 1, BENCH_LESS},
                    [METRIC_INVOLUNTARY] = {"involuntary_per_1000", NULL, 1, BENCH_LESS}},
        .run = run,
};
