/*
 * The two slow halves of completion.h: the producer's sleep, and its end.
 * Rule: nobody sleeps without looking once more after announcing itself.
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
		atomic_init(&completion->counts[i].done, 0);
	completion->consumers = consumers;
	completion->put = 0;
	atomic_init(&completion->awaited, 0);
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
		done += atomic_load_explicit(&completion->counts[i].done, memory_order_seq_cst);
	return done == awaited;
}

/* Of several consumers that finish together, the last in the order of seq_cst counts them all. */
void completion_wake(struct completion *completion)
{
	if (!is_reached(completion, atomic_load(&completion->awaited)))
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
	/* 1 announce, 2 look again, 3 sleep. A count before 1 is found by 2; one after it sees the
	 * announcement, and needs the lock, given up in 3, to signal. */
	atomic_store_explicit(&completion->awaited, completion->put, memory_order_seq_cst);
	while (!is_reached(completion, completion->put))
		pthread_cond_wait(&completion->all_done, &completion->lock);
	atomic_store_explicit(&completion->awaited, 0, memory_order_seq_cst);
	pthread_mutex_unlock(&completion->lock);
}
