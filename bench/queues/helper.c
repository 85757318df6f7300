/*
 * Handles, the count of finished items and the flag of shutdown, for competitors that have none.
 */
#include <errno.h>
#include <stdlib.h>

#include "helper.h"

int helper_init(struct helper *helper, const struct bench_shape *shape)
{
	helper->item_size = shape->item_size;
	helper->closed = false;
	helper->consumers = calloc(shape->consumers, sizeof(*helper->consumers));
	if (!helper->consumers)
		return -ENOMEM;
	for (size_t i = 0; i < shape->consumers; i++)
		helper->consumers[i] = (struct helper_handle){.queue = helper, .number = i};
	if (completion_init(&helper->completion, shape->consumers) == 0)
		return 0;
	free(helper->consumers);
	return -ENOMEM;
}

void helper_destroy(struct helper *helper)
{
	completion_destroy(&helper->completion);
	free(helper->consumers);
}

void *helper_consumer(void *queue, size_t number)
{
	struct helper *helper = queue;

	return &helper->consumers[number];
}

int helper_task_done(void *handle, size_t n)
{
	struct helper_handle *me = handle;

	completion_done(&me->queue->completion, me->number, n);
	return 0;
}

int helper_join(void *queue)
{
	struct helper *helper = queue;

	completion_join(&helper->completion);
	return 0;
}

int helper_shutdown(void *queue)
{
	struct helper *helper = queue;

	/* Pairs with the load in helper_wait(): a thread that sees `closed` also sees the last
	 * item. */
	__atomic_store_n(&helper->closed, true, __ATOMIC_RELEASE);
	return 0;
}
