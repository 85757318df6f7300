/*
 * The slow paths of completion.h: the producer sleeps in join, and a consumer wakes it. Rule: a
 * thread that announces that it sleeps looks once more before it sleeps.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "completion.h"

int completion_init(struct completion *completion, size_t consumers)
{
	size_t bytes = consumers * sizeof(*completion->counts);

	completion->counts = aligned_alloc(COMPLETION_LINE, bytes);
	if (!completion->counts)
		return -ENOMEM;
	for (size_t i = 0; i < consumers; i++)
		completion->counts[i].done = 0;
	completion->consumers = consumers;
	completion->put = 0;
	completion->awaited = 0;
	pthread_mutex_init(&completion->lock, NULL);
	pthread_cond_init(&completion->all_done, NULL);
	return 0;
}

void completion_destroy(struct completion *completion)
{
	pthread_cond_destroy(&completion->all_done);
	pthread_mutex_destroy(&completion->lock);
	free(completion->counts);
}

static bool is_reached(struct completion *completion, uint64_t awaited)
{
	uint64_t done = 0;

	for (size_t i = 0; i < completion->consumers; i++)
		done += __atomic_load_n(&completion->counts[i].done, __ATOMIC_SEQ_CST);
	return done == awaited;
}

/* If several consumers finish together, the last in the order of the seq_cst operations sees the
 * counts of all. */
void completion_wake(struct completion *completion)
{
	if (!is_reached(completion, __atomic_load_n(&completion->awaited, __ATOMIC_SEQ_CST)))
		return;
	pthread_mutex_lock(&completion->lock);
	pthread_cond_signal(&completion->all_done);
	pthread_mutex_unlock(&completion->lock);
}

void completion_join(struct completion *completion)
{
	if (is_reached(completion, completion->put))
		return;
	pthread_mutex_lock(&completion->lock);
	/* 1 announce, 2 look again, 3 sleep. If a consumer counts before 1, 2 finds the count. If
	 * it counts after 1, it sees the announcement, and signals under the lock, which is free
	 * only from 3 on. */
	__atomic_store_n(&completion->awaited, completion->put, __ATOMIC_SEQ_CST);
	while (!is_reached(completion, completion->put))
		pthread_cond_wait(&completion->all_done, &completion->lock);
	__atomic_store_n(&completion->awaited, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&completion->lock);
}
