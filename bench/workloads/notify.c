/*
 * Notify: the smallest program with a queue, to watch rather than to measure.
 *
 *                              +--> consumer 1
 * producer --a number a second-+--> consumer 2   Not timed.
 *                              +--> consumer 3   Checked: as many popped as appended.
 *
 * The producer puts random integers 0..256 at an interval, then joins and shuts down, so that the
 * consumers end too. Each tells what it does.
 */
#include <assert.h>
#include <errno.h>
#include <gsl/gsl_rng.h>
#include <pthread.h>
#include <time.h>

#include "crew.h"
#include "measure/common.h"

/* What goes through the queue: eight bytes. */
struct notice {
	uint32_t number; /* of the notice, from 0 */
	uint32_t value;  /* 0..256 */
};
static_assert(sizeof(struct notice) == 8, "the smallest item of a queue");

/* In common memory. */
struct notify {
	/* Guards the rest, and the output. */
	pthread_mutex_t lock;
	pthread_cond_t told;
	uint32_t appended; /* notices that the producer told of */
	uint32_t popped;   /* notices that consumers told of */
};

static void wait_until(struct timespec *due, uint64_t interval_ns)
{
	uint64_t ns = (uint64_t)due->tv_nsec + interval_ns;

	due->tv_sec += (time_t)(ns / 1000000000);
	due->tv_nsec = (long)(ns % 1000000000);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL) == EINTR)
		;
}

static void tell_appended(struct notify *job, FILE *out, struct notice notice)
{
	pthread_mutex_lock(&job->lock);
	fprintf(out, "Producer notify : item number %u appended to queue by producer\n",
	        notice.value);
	fflush(out);
	job->appended = notice.number + 1;
	pthread_cond_broadcast(&job->told);
	pthread_mutex_unlock(&job->lock);
}

/* A consumer may have the item before the producer has told of it; it lets the producer go first.
 * No deadlock: the producer never waits between its put and telling of it. */
static void tell_popped(struct notify *job, FILE *out, struct notice notice, size_t consumer)
{
	pthread_mutex_lock(&job->lock);
	while (job->appended <= notice.number)
		pthread_cond_wait(&job->told, &job->lock);
	fprintf(out, "Consumer notify : %u popped from queue by consumer %zu\n", notice.value,
	        consumer);
	fflush(out);
	job->popped++;
	pthread_mutex_unlock(&job->lock);
}

static void produce(struct crew_member *me)
{
	struct notify *job = me->job;
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	struct timespec due;

	gsl_rng_set(random, (unsigned long)me->run->seed);
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (uint32_t i = 0; i < me->run->point.items; i++) {
		struct notice notice = {i, (uint32_t)gsl_rng_uniform_int(random, 257)};

		if (i > 0)
			wait_until(&due, me->run->point.interval_ns);
		crew_put(me, &notice, 1);
		tell_appended(job, me->run->print, notice);
	}
	crew_join(me);
	crew_shut_down(me);
	gsl_rng_free(random);
}

static void consume(struct crew_member *me)
{
	struct notify *job = me->job;
	struct notice notice;

	while (crew_get(me, &notice) > 0) {
		tell_popped(job, me->run->print, notice, me->number + 1);
		crew_done(me, 1);
	}
}

/* NULL: there is no memory. */
static struct notify *open_job(void)
{
	struct notify *job = common_alloc(1, sizeof(*job));
	pthread_mutexattr_t lock;
	pthread_condattr_t condition;

	if (!job)
		return NULL;
	pthread_mutexattr_init(&lock);
	pthread_condattr_init(&condition);
	pthread_mutexattr_setpshared(&lock, PTHREAD_PROCESS_SHARED);
	pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&job->lock, &lock);
	pthread_cond_init(&job->told, &condition);
	pthread_condattr_destroy(&condition);
	pthread_mutexattr_destroy(&lock);
	return job;
}

static void close_job(struct notify *job)
{
	pthread_cond_destroy(&job->told);
	pthread_mutex_destroy(&job->lock);
	common_free(job);
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	struct notify *job = open_job();
	struct crew crew = {
	        .run = run, .job = job, .result = result, .produce = produce, .consume = consume};

	if (!job) {
		bench_void(result, "no memory");
		return;
	}
	crew_run(&crew);
	if (job->popped == run->point.items && result->outcome != BENCH_VOID)
		result->outcome = BENCH_CHECKED;
	else
		bench_void(result, "%u of %llu popped", job->popped,
		           (unsigned long long)run->point.items);
	crew_judge(&crew);
	close_job(job);
}

extern const struct bench_workload bench_notify;
const struct bench_workload bench_notify = {
        .name = "notify",
        .what = "a random number a second to three consumers that tell of it",
        .method = "not timed",
        .uses = 1 << BENCH_ITEMS | 1 << BENCH_CONSUMERS | 1 << BENCH_CAPACITY | 1 << BENCH_INTERVAL,
        .defaults = {.items = 10,
                     .consumers = 3,
                     .capacity = 1024,
                     .bulk = 1,
                     .item_size = sizeof(struct notice),
                     .interval_ns = 1000000000},
        .queues = "spmcq",
        .runs = 1,
        .talks = true,
        .run = run,
};
