/*
 * Who owns what: the producer's side is handed over with all that its owner knew, and a queue is
 * not freed under a thread that is still inside.
 */
#include "whole_queue.h"

/* Puts fail while the other thread owns the side. */
static void put_and_release(void *arg)
{
	uint64_t item = 1;
	unsigned *mine = arg;

	if (spmcq_try_put(queue, &item) != 0)
		return;
	*mine = 1;
	MODEL_CHECK(spmcq_release_producer(queue) == 0, "not the owner");
}

static void the_producer_side_is_handed_over(void)
{
	unsigned by[2] = {0, 0};

	begin_checked(2, false);
	model_start(put_and_release, &by[0]);
	model_start(put_and_release, &by[1]);
	model_end();
	MODEL_CHECK(spmcq_size(queue) == by[0] + by[1], "an item was lost");
	free(queue);
}

static void get_none(void *arg)
{
	uint64_t item;

	(void)arg;
	MODEL_CHECK(spmcq_get(queue, &item) == -ESHUTDOWN, "got something");
}

static void who_is_inside_keeps_the_queue(void)
{
	int r;

	begin(1);
	model_start(get_none, NULL);
	model_until_asleep();
	MODEL_CHECK(spmcq_shutdown(queue) == 0, "shutdown failed");
	r = spmcq_destroy(queue);
	MODEL_CHECK(r == 0 || r == -EBUSY, "destroy returned %d", r);
	model_end();
	if (r == -EBUSY)
		free(queue);
}

#define CASES(CASE)                                                                                \
	CASE(the_producer_side_is_handed_over)                                                     \
	CASE(who_is_inside_keeps_the_queue)
#include "main.h"
