/*
 * Blocked threads sleep: they use no processor time. The processor time of the whole process, with
 * the thread that measures, is compared with the time that passed.
 */
#include "support/fixture.h"
#include "support/worker.h"
#include <sys/resource.h>
#include <time.h>

enum {
	IDLE_MS = 2000,
	/* A thread that polls once per millisecond uses about as much; an idle one nothing. */
	ALLOWED_PERCENT = CHECK_SANITIZED ? 5 : 1,
	MANY = 64,
	SLOW_ITEMS = 300,
	SLOW_PERCENT = 25, /* of a processor for the producer, or 250 us an item */
	BUSY_ITEMS = 40000,
	BUSY_NS = 5000,    /* that a consumer works on an item */
	NAP_NS = 400000,   /* the producer sleeps for longer, on average, */
	FIRST_SLEEPS = 20, /* after so many sleeps */
};

static double processor_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void expect_idle(const struct worker *workers, size_t n)
{
	long switches = 0;
	double used;

	for (size_t i = 0; i < n; i++)
		worker_await_sleep(&workers[i]);
	for (size_t i = 0; i < n; i++)
		switches -= worker_switches(&workers[i]);
	used = processor_seconds();
	sleep_ms(IDLE_MS);
	used = processor_seconds() - used;
	for (size_t i = 0; i < n; i++)
		switches += worker_switches(&workers[i]);
	CHECK(used <= IDLE_MS / 1e3 * ALLOWED_PERCENT / 100,
	      "%zu idle threads used %.1f ms of processor time in %d ms", n, used * 1e3, IDLE_MS);
	CHECK(switches <= (long)n, "%zu idle threads woke %ld times in %d ms", n, switches,
	      IDLE_MS);
}

static void get_until_shutdown(void *arg)
{
	RETURNS(-ESHUTDOWN, spmcq_get(arg, &(uint32_t){0}));
}

static void get_many_until_shutdown(void *arg)
{
	struct timespec later = spmcq_after(1000);
	uint32_t numbers[3];

	RETURNS(-ESHUTDOWN, spmcq_get_many_until(arg, numbers, 3, &later));
}

static void let_consumers_idle(size_t n)
{
	struct spmcq *q = queue_of(1024);
	struct worker workers[MANY];

	for (size_t i = 0; i < n; i++)
		worker_start(&workers[i], i % 2 ? get_many_until_shutdown : get_until_shutdown, q);
	expect_idle(workers, n);
	RETURNS(0, spmcq_shutdown(q));
	for (size_t i = 0; i < n; i++)
		worker_join(&workers[i]);
	queue_free(q);
}

static void five_blocked_consumers_use_no_processor(void)
{
	let_consumers_idle(5);
}

static void sixty_four_blocked_consumers_use_no_processor(void)
{
	let_consumers_idle(MANY);
}

/* Consumers that have just been busy go to sleep as well. */
static void work_or_sleep(void *arg)
{
	while (spmcq_get(arg, &(uint32_t){0}) == 0)
		RETURNS(0, spmcq_task_done(arg));
}

static void consumers_idle_after_work_use_no_processor(void)
{
	struct spmcq *q = queue_of(16);
	struct worker workers[5];

	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_start(&workers[i], work_or_sleep, q);
	for (uint32_t i = 0; i < 20000; i++)
		RETURNS(0, spmcq_put(q, &i));
	RETURNS(0, spmcq_join(q));
	expect_idle(workers, COUNT_OF(workers));
	RETURNS(0, spmcq_shutdown(q));
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	queue_free(q);
}

static void put_until_shutdown(void *arg)
{
	RETURNS(-ESHUTDOWN, spmcq_put(arg, &(uint32_t){0}));
}

static void join_until_done(void *arg)
{
	RETURNS(0, spmcq_join(arg));
}

static void join_until_done_or_late(void *arg)
{
	struct timespec later = spmcq_after(1000);

	RETURNS(0, spmcq_join_until(arg, &later));
}

static void a_blocked_producer_and_joiners_use_no_processor(void)
{
	struct spmcq *q = queue_of(3);
	struct worker workers[5];

	put_numbers(q, 0, 3);
	RETURNS(0, spmcq_release_producer(q));
	worker_start(&workers[0], put_until_shutdown, q);
	for (size_t i = 1; i < COUNT_OF(workers); i++)
		worker_start(&workers[i], i % 2 ? join_until_done : join_until_done_or_late, q);
	expect_idle(workers, COUNT_OF(workers));
	RETURNS(0, spmcq_shutdown_now(q));
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	queue_free(q);
}

struct stream {
	struct spmcq *q;
	uint32_t items;
	double used, passed; /* seconds of the producer's: processor time, and of the clock */
};

static double clock_seconds(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void put_for_a_slow_consumer(void *arg)
{
	struct stream *stream = arg;

	stream->used = -clock_seconds(CLOCK_THREAD_CPUTIME_ID);
	stream->passed = -clock_seconds(CLOCK_MONOTONIC);
	for (uint32_t n = 0; n < stream->items; n++)
		RETURNS(0, spmcq_put(stream->q, &n));
	stream->used += clock_seconds(CLOCK_THREAD_CPUTIME_ID);
	stream->passed += clock_seconds(CLOCK_MONOTONIC);
}

/* The one consumer takes a ms an item; the producer waits for room nearly all the time. */
static void a_producer_with_a_slow_consumer_sleeps(void)
{
	static const size_t capacities[] = {1, 8, 64};

	for (size_t c = 0; c < COUNT_OF(capacities); c++) {
		struct stream stream = {.q = queue_of(capacities[c]), .items = SLOW_ITEMS};
		struct worker producer;

		check_doing("capacity %zu", capacities[c]);
		worker_start(&producer, put_for_a_slow_consumer, &stream);
		for (uint32_t n = 0; n < SLOW_ITEMS; n++) {
			sleep_ms(1);
			RETURNS(0, spmcq_get(stream.q, &(uint32_t){0}));
		}
		worker_join(&producer);
		CHECK(stream.used <= stream.passed * SLOW_PERCENT / 100,
		      "waiting for room took %.0f ms of processor time in %.0f ms",
		      stream.used * 1e3, stream.passed * 1e3);
		queue_free(stream.q);
	}
}

static void work_for(long ns)
{
	double end = clock_seconds(CLOCK_MONOTONIC) + 1e-9 * (double)ns;

	while (clock_seconds(CLOCK_MONOTONIC) < end)
		;
}

/* If the producer slept for 0.1 ms each time, it would use a fourth of a processor. */
static void a_producer_that_always_waits_sleeps_for_long(void)
{
	struct stream stream = {.q = queue_of(1024), .items = BUSY_ITEMS};
	struct spmcq_stats stats;
	struct worker producer;

	worker_start(&producer, put_for_a_slow_consumer, &stream);
	for (uint32_t n = 0; n < BUSY_ITEMS; n++) {
		RETURNS(0, spmcq_get(stream.q, &(uint32_t){0}));
		work_for(BUSY_NS);
	}
	worker_join(&producer);
	RETURNS(0, spmcq_stats(stream.q, &stats));
	CHECK((double)stats.producer_sleeps <= FIRST_SLEEPS + stream.passed * 1e9 / NAP_NS,
	      "the producer slept %llu times in %.0f ms", (unsigned long long)stats.producer_sleeps,
	      stream.passed * 1e3);
	queue_free(stream.q);
}

int main(void)
{
	RUN(five_blocked_consumers_use_no_processor);
	RUN(sixty_four_blocked_consumers_use_no_processor);
	RUN(consumers_idle_after_work_use_no_processor);
	RUN(a_blocked_producer_and_joiners_use_no_processor);
	RUN(a_producer_with_a_slow_consumer_sleeps);
	RUN(a_producer_that_always_waits_sleeps_for_long);
	return check_finish();
}
