/*
 * Puts the helper's arrays into memory that processes share, and makes its lock usable between
 * processes.
 */
#include <errno.h>
#include <stdlib.h>

#include "helper_common.h"
#include "measure/common.h"

static int init_lock(struct completion *completion)
{
	pthread_mutexattr_t lock;
	pthread_condattr_t condition;
	int error;

	pthread_mutexattr_init(&lock);
	pthread_condattr_init(&condition);
	error = pthread_mutexattr_setpshared(&lock, PTHREAD_PROCESS_SHARED);
	if (!error)
		error = pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
	if (!error)
		error = pthread_mutex_init(&completion->lock, &lock);
	if (!error)
		error = pthread_cond_init(&completion->all_done, &condition);
	pthread_condattr_destroy(&condition);
	pthread_mutexattr_destroy(&lock);
	return error;
}

static int make_common(struct completion *completion)
{
	struct completion_count *counts =
	        common_alloc(completion->consumers, sizeof(*completion->counts));

	free(completion->counts);
	completion->counts = counts;
	pthread_cond_destroy(&completion->all_done);
	pthread_mutex_destroy(&completion->lock);
	return init_lock(completion) == 0 && counts ? 0 : -ENOMEM;
}

void *helper_common_create(size_t size, const struct bench_shape *shape)
{
	struct helper *helper = common_alloc(1, size);

	if (!helper || helper_init(helper, shape) != 0) {
		common_free(helper);
		return NULL;
	}
	if (make_common(&helper->completion) == 0)
		return helper;
	helper_common_destroy(helper);
	return NULL;
}

void helper_common_destroy(void *queue)
{
	struct helper *helper = queue;

	common_free(helper->completion.counts);
	helper->completion.counts = NULL;
	helper_destroy(helper);
	common_free(helper);
}

size_t helper_bounded_by_bytes(size_t capacity)
{
	(void)capacity;
	return SIZE_MAX;
}
