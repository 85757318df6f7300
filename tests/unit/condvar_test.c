/*
 * What pthread refuses, create reports, and gives back what it had. The library is compiled in,
 * with its calls for memory and of pthread in the test's hands.
 */
#define _GNU_SOURCE
#include "support/fixture.h"
#include <ck_pr.h>
#include <pthread.h>
#include <stdlib.h>

static int calls;   /* of init */
static int refused; /* the number of the one that fails */
static int held;    /* what is made and not destroyed */

static bool may_make(void)
{
	if (++calls == refused)
		return false;
	held++;
	return true;
}

static int made(int result)
{
	RETURNS(0, result);
	return 0;
}

static int destroyed(int result)
{
	RETURNS(0, result);
	held--;
	return 0;
}

static int my_condattr_init(pthread_condattr_t *attr)
{
	return may_make() ? made(pthread_condattr_init(attr)) : ENOMEM;
}

static int my_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
	return may_make() ? made(pthread_cond_init(cond, attr)) : ENOMEM;
}

static int my_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	return may_make() ? made(pthread_mutex_init(mutex, attr)) : ENOMEM;
}

/* Makes nothing, and fails on a system without that clock. */
static int my_condattr_setclock(pthread_condattr_t *attr, clockid_t clock)
{
	return ++calls == refused ? EINVAL : made(pthread_condattr_setclock(attr, clock));
}

static int my_condattr_destroy(pthread_condattr_t *attr)
{
	return destroyed(pthread_condattr_destroy(attr));
}

static int my_cond_destroy(pthread_cond_t *cond)
{
	return destroyed(pthread_cond_destroy(cond));
}

static int my_mutex_destroy(pthread_mutex_t *mutex)
{
	return destroyed(pthread_mutex_destroy(mutex));
}

static void *my_aligned_alloc(size_t alignment, size_t size)
{
	held++;
	return aligned_alloc(alignment, size);
}

static void my_free(void *memory)
{
	held--;
	free(memory);
}

#define aligned_alloc my_aligned_alloc
#define free my_free
#define pthread_condattr_init my_condattr_init
#define pthread_condattr_setclock my_condattr_setclock
#define pthread_condattr_destroy my_condattr_destroy
#define pthread_cond_init my_cond_init
#define pthread_cond_destroy my_cond_destroy
#define pthread_mutex_init my_mutex_init
#define pthread_mutex_destroy my_mutex_destroy
#include "spmcq.c"

static void what_pthread_refuses_is_reported_and_the_rest_given_back(void)
{
	struct spmcq *q = NULL;
	int all;

	RETURNS(0, spmcq_create(&q, 8, 8, NULL));
	all = calls;
	CHECK(all > 0, "nothing was made");
	RETURNS(0, spmcq_destroy(q));
	COUNTS(0, held);
	for (refused = 1; refused <= all; refused++) {
		check_doing("call %d of %d fails", refused, all);
		q = NULL;
		calls = 0;
		RETURNS(-ENOMEM, spmcq_create(&q, 8, 8, NULL));
		COUNTS(0, held);
		CHECK(q == NULL, "a refused create changed the pointer");
	}
}

int main(void)
{
	RUN(what_pthread_refuses_is_reported_and_the_rest_given_back);
	return check_finish();
}
