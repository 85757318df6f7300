/*
 * What each thread owns: the producer's side is handed over with all that the former producer knew,
 * a cell has one owner, and a queue is not freed under a thread that is still inside.
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

static void a_thread_inside_keeps_the_queue(void)
{
	int r;

	begin(1);
	model_start_asleep(get_none, NULL);
	MODEL_CHECK(spmcq_shutdown(queue) == 0, "shutdown failed");
	r = spmcq_destroy(queue);
	MODEL_CHECK(r == 0 || r == -EBUSY, "destroy returned %d", r);
	model_end();
	if (r == -EBUSY)
		free(queue);
}

static void own_the_first(void *arg)
{
	*(bool *)arg = own(&queue->ring.cursor.cells, 0, thread_id());
}

static void a_cell_has_one_owner(void)
{
	bool owns[2] = {false, false};

	begin(1);
	model_start(own_the_first, &owns[0]);
	model_start(own_the_first, &owns[1]);
	model_end();
	MODEL_CHECK(owns[0] != owns[1], "not one owner");
	free(queue);
}

static void find_cell(void *arg)
{
	struct cell **mine = arg;

	*mine = my_cell(queue);
	MODEL_CHECK(my_cell(queue) == *mine, "another cell the next time");
}

/* Two of them look at the same cell first. */
static void three_threads_find_two_cells_and_a_shared_one(void)
{
	struct cells *cells;
	struct cell *of[3] = {NULL, NULL, NULL};
	unsigned shared = 0;

	begin(1);
	cells = &queue->ring.cursor.cells;
	for (unsigned i = 0; i < 3; i++)
		model_start(find_cell, &of[i]);
	model_end();
	for (unsigned i = 0; i < 3; i++)
		shared += cell_is_shared(cells, of[i]);
	MODEL_CHECK(shared == 1, "%u share a cell", shared);
	MODEL_CHECK(of[0] != of[1] && of[0] != of[2] && of[1] != of[2], "a cell has two owners");
	MODEL_CHECK(atomic_load(&cells->are_shared) && atomic_load(&cells->used) == 3,
	            "a cell is not added up");
	free(queue);
}

#define CASES(CASE)                                                                                \
	CASE(the_producer_side_is_handed_over)                                                     \
	CASE(a_cell_has_one_owner)                                                                 \
	CASE(three_threads_find_two_cells_and_a_shared_one)                                        \
	CASE(a_thread_inside_keeps_the_queue)
#include "main.h"
