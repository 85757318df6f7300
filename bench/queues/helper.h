/*
 * What most competitors lack: a handle for each consumer, completion, and, for those that poll, a
 * sign that nothing follows. A queue that begins with a struct helper names these functions in its
 * table. For C and C++.
 */
#ifndef BENCH_HELPER_H
#define BENCH_HELPER_H

#include <stdbool.h>

#include "completion.h"
#include "polling.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

struct helper;

struct helper_handle {
	struct helper *queue;
	size_t number;
};

struct helper {
	/* Set by helper_init(), then only read. */
	size_t item_size;
	struct helper_handle *consumers;

	struct completion completion; /* on lines of its own */

	/* Atomic; false -> true once, by helper_shutdown(), after the last put. */
	COMPLETION_OWN_LINE bool closed;
};

/* 0 or -ENOMEM. */
int helper_init(struct helper *helper, const struct bench_shape *shape);
void helper_destroy(struct helper *helper);

/* For tables. The queue is the helper it begins with; a consumer's handle is its helper_handle.
 */
void *helper_consumer(void *queue, size_t number);
int helper_task_done(void *handle, size_t n);
int helper_join(void *queue);
int helper_shutdown(void *queue); /* for queues whose get uses helper_wait() */

/* A consumer's wait for an item. */
struct helper_waiting {
	struct polling polling;
	bool closed; /* seen */
};

/* After a look that found nothing: returns whether to look again. Returns false only if a look
 * after the flag of shutdown was seen found nothing, too. */
static inline bool helper_wait(struct helper *helper, struct helper_waiting *wait)
{
	if (wait->closed)
		return false;
	/* Pairs with helper_shutdown(): a thread that sees `closed` also sees the last item. */
	wait->closed = __atomic_load_n(&helper->closed, __ATOMIC_ACQUIRE);
	if (!wait->closed)
		polling_wait(&wait->polling);
	return true;
}

#ifdef __cplusplus
}
#endif

#endif
