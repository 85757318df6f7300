/*
 * producer --> queue --> consumer
 *
 * First the producer fills the queue and puts one more item; the consumer is held until the
 * producer has had time to put one item too many. Then the producer puts a thousand items and a
 * last one, and joins; the last task_done is held until the producer has had time to return from
 * join.
 *
 * When put or join has returned, the producer checks a flag of the consumer: in a queue that waits,
 * the call returns only after the consumer has gone on and set its flag. A slow machine can hide a
 * fault, but not make one up.
 */
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "crew.h"
#include "measure/clock.h"
#include "measure/common.h"
#include "rehearsal.h"

enum {
	CAPACITY_MOST = 1024,
	ITEMS = 1100,      /* one task_done too many in a thousand is among them */
	ITEMS_LEAST = 100, /* however slow the queue is */
	NUMBERS = 1 << 20, /* more than any item's */
};

/* The time that a thread may need to get into its next call, and the time after which a slow queue
 * need put no more of the thousand items. */
static const uint64_t grace_ns = 2 * 1000 * 1000, flow_ns = 10 * 1000 * 1000;

/* In common memory. */
struct rehearsal {
	size_t most;           /* items the queue may hold; SIZE_MAX: it is never full */
	sem_t is_full, is_put; /* posted by the producer: all that fit, and all, are put */
	uint64_t last;         /* atomic: the number of the last item, before it is put */
	bool goes_on, is_done; /* atomic; false -> true once, by the consumer: before its first get,
	                        * and before its last task_done */
};

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static void set(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_SEQ_CST);
}

/* Returns how many were put. */
static uint64_t fill(struct crew_member *me, void *buffer)
{
	struct rehearsal *job = me->job;

	if (job->most == SIZE_MAX)
		return 0;
	crew_put_numbers(me, buffer, 0, job->most);
	sem_post(&job->is_full);
	crew_put_numbers(me, buffer, job->most, job->most + 1);
	if (!is_set(&job->goes_on))
		crew_fault(me, "put did not wait: %zu items were in the queue, which may hold %zu",
		           job->most + 1, job->most);
	return job->most + 1;
}

static void produce(struct crew_member *me)
{
	struct rehearsal *job = me->job;
	void *buffer = crew_buffer(me);
	uint64_t n = fill(me, buffer), end = clock_now() + flow_ns;

	for (; n < ITEMS_LEAST || (n < ITEMS && clock_now() < end); n++)
		crew_put_numbers(me, buffer, n, n + 1);
	__atomic_store_n(&job->last, n, __ATOMIC_SEQ_CST);
	crew_put_numbers(me, buffer, n, n + 1);
	sem_post(&job->is_put);
	crew_join(me);
	if (!is_set(&job->is_done))
		crew_fault(me, "join returned before the last of %llu items was done",
		           (unsigned long long)n + 1);
	crew_shut_down(me);
	free(buffer);
}

/* Waits for a second at most: with a queue that holds less than its capacity both threads would
 * wait for ever. The run itself will show what is wrong with such a queue. */
static void hold(sem_t *until)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 1;
	while (sem_timedwait(until, &end) != 0 && errno == EINTR)
		;
	clock_sleep_until(clock_now() + grace_ns);
}

/* Of the items got: all but the last one are done, and that one when it is the last of all. */
static void finish(struct crew_member *me, const void *buffer, size_t got)
{
	struct rehearsal *job = me->job;
	bool is_last = false;

	for (size_t i = 0; i < got; i++) {
		uint64_t n = crew_number(me, buffer, i);

		if (n >= NUMBERS)
			crew_fault(me, "an item of %llu bytes did not come out as it was put",
			           (unsigned long long)me->run->point.item_size);
		is_last |= n == __atomic_load_n(&job->last, __ATOMIC_SEQ_CST);
	}
	if (is_last) {
		if (got > 1)
			crew_done(me, got - 1);
		hold(&job->is_put);
		set(&job->is_done);
		got = 1;
	}
	crew_done(me, got);
}

static void consume(struct crew_member *me)
{
	struct rehearsal *job = me->job;
	void *buffer = crew_buffer(me);
	size_t got;

	if (job->most != SIZE_MAX)
		hold(&job->is_full);
	set(&job->goes_on);
	while ((got = crew_get(me, buffer)) > 0)
		finish(me, buffer, got);
	free(buffer);
}

size_t rehearsal_most(const struct bench_queue *queue, size_t capacity)
{
	if (!(queue->can & BENCH_BOUNDED))
		return SIZE_MAX;
	return queue->most ? queue->most(capacity) : capacity;
}

/* Returns what a table must have and has not; NULL: nothing. */
static const char *missing(const struct bench_queue *queue)
{
	const struct {
		const char *name;
		bool is_there, is_needed;
	} calls[] = {
	        {"create", queue->create, true},
	        {"destroy", queue->destroy, true},
	        {"put", queue->put, true},
	        {"get", queue->get, true},
	        {"task_done", queue->task_done, true},
	        {"join", queue->join, true},
	        {"shutdown", queue->shutdown, true},
	        {"put_many, but says BENCH_BULK", queue->put_many, queue->can & BENCH_BULK},
	        {"get_many, but says BENCH_BULK", queue->get_many, queue->can & BENCH_BULK},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].is_needed && !calls[i].is_there)
			return calls[i].name;
	return NULL;
}

static void run_small(const struct bench_run *run, struct bench_result *result)
{
	struct rehearsal *job = common_alloc(1, sizeof(*job));
	int between_processes = (run->queue->can & BENCH_PROCESSES) != 0;
	struct crew crew = {.run = run,
	                    .job = job,
	                    .result = result,
	                    .produce = produce,
	                    .consume = consume,
	                    .is_rehearsal = true};

	if (!job) {
		bench_void(result, "rehearsal: no memory");
		return;
	}
	job->last = ITEM_STRANGE;
	job->most = rehearsal_most(run->queue, run->point.capacity);
	sem_init(&job->is_full, between_processes, 0);
	sem_init(&job->is_put, between_processes, 0);
	crew_run(&crew);
	sem_destroy(&job->is_full);
	sem_destroy(&job->is_put);
	common_free(job);
}

bool rehearse(const struct bench_run *run, struct bench_result *result)
{
	struct bench_run small = *run;
	const char *call = missing(run->queue);

	if (call) {
		bench_void(result, "the table of %s has no %s", run->queue->name, call);
		return false;
	}
	small.point.consumers = 1;
	if (small.point.capacity > CAPACITY_MOST)
		small.point.capacity = CAPACITY_MOST;
	run_small(&small, result);
	return result->outcome != BENCH_VOID;
}
