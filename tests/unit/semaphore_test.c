/*
 * Tests what create returns if no semaphore can be made, and that a thread that is stopped inside a
 * call for a semaphore holds up no other thread. The library is compiled in, and the test replaces
 * its calls for memory and semaphores.
 */
#define _GNU_SOURCE
#include "support/fixture.h"
#include "support/worker.h"
#include <ck_pr.h>
#include <semaphore.h>
#include <stdlib.h>

static int calls;   /* of sem_init */
static int refused; /* the number of the one that fails */
static int kept;    /* what is made and not destroyed */

static int my_sem_init(sem_t *semaphore, int shared, unsigned value)
{
	if (++calls == refused) {
		errno = ENOSPC;
		return -1;
	}
	kept++;
	return sem_init(semaphore, shared, value);
}

static int my_sem_destroy(sem_t *semaphore)
{
	kept--;
	return sem_destroy(semaphore);
}

static void *my_aligned_alloc(size_t alignment, size_t size)
{
	kept++;
	return aligned_alloc(alignment, size);
}

static void my_free(void *memory)
{
	kept--;
	free(memory);
}

/* A thread that stops as it is about to wait, until it is let go. */
static _Thread_local bool stops;
static _Atomic size_t stopped;
static _Atomic bool let_go;

static int my_sem_wait(sem_t *semaphore)
{
	if (stops) {
		stops = false;
		atomic_fetch_add(&stopped, 1);
		while (!atomic_load(&let_go))
			sleep_ms(1);
	}
	return sem_wait(semaphore);
}

#define aligned_alloc my_aligned_alloc
#define free my_free
#define sem_init my_sem_init
#define sem_destroy my_sem_destroy
#define sem_wait my_sem_wait
#include "spmcq.c"

static void semaphores_that_are_refused_are_reported_and_the_rest_given_back(void)
{
	struct spmcq *q = NULL;
	int all;

	RETURNS(0, spmcq_create(&q, 8, 8, NULL));
	all = calls;
	CHECK(all > 0, "nothing was made");
	RETURNS(0, spmcq_destroy(q));
	COUNTS(0, kept);
	for (refused = 1; refused <= all; refused++) {
		check_doing("call %d of %d fails", refused, all);
		q = NULL;
		calls = 0;
		RETURNS(-ENOMEM, spmcq_create(&q, 8, 8, NULL));
		COUNTS(0, kept);
		CHECK(q == NULL, "a refused create changed the pointer");
	}
}

struct sleeper {
	struct spmcq *q;
	_Atomic size_t got;
};

static void stop_in_sleep(void *arg)
{
	struct sleeper *sleeper = arg;

	stops = true;
	if (spmcq_get(sleeper->q, &(uint32_t){0}) == 0)
		atomic_fetch_add(&sleeper->got, 1);
}

static void get_all(void *arg)
{
	struct sleeper *sleeper = arg;

	while (spmcq_get(sleeper->q, &(uint32_t){0}) == 0)
		atomic_fetch_add(&sleeper->got, 1);
}

/* One consumer is stopped between having announced that it sleeps, and sleeping. */
static void a_consumer_stopped_in_its_sleep_keeps_nobody(void)
{
	struct sleeper frozen = {.q = queue_of(8)}, awake = {.q = frozen.q};
	struct worker workers[2];
	uint32_t n;

	worker_start(&workers[0], stop_in_sleep, &frozen);
	await_count(&stopped, 1, "consumers stopped");
	for (n = 0; n < 8; n++)
		RETURNS(0, spmcq_try_put(frozen.q, &n));
	RETURNS(-EAGAIN, spmcq_try_put(frozen.q, &n));
	get_numbers(frozen.q, 0, 8);
	worker_start(&workers[1], get_all, &awake);
	worker_await_sleep(&workers[1]);
	for (n = 1; n <= 100; n++) {
		RETURNS(0, spmcq_try_put(frozen.q, &n));
		await_count(&awake.got, n, "items got by the other consumer");
	}
	COUNTS(0, atomic_load(&frozen.got));
	atomic_store(&let_go, true);
	RETURNS(0, spmcq_shutdown(frozen.q));
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	queue_free(frozen.q);
}

int main(void)
{
	RUN(semaphores_that_are_refused_are_reported_and_the_rest_given_back);
	RUN(a_consumer_stopped_in_its_sleep_keeps_nobody);
	return check_finish();
}
