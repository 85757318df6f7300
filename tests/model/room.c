/*
 * A producer that sleeps until consumers get: it does not sleep on beside room.
 */
#include "whole_queue.h"

static void put_one(void *arg)
{
	uint64_t item = placed + 1;
	int r = spmcq_put(queue, &item);

	(void)arg;
	MODEL_CHECK(r == 0, "put returned %d", r);
	placed++;
}

static void put_two(void *arg)
{
	put_one(arg);
	put_one(arg);
}

static void begin_full(unsigned capacity)
{
	begin(capacity);
	for (unsigned i = 0; i < capacity; i++)
		put_now();
}

static void a_get_wakes_the_producer(void)
{
	begin_full(1);
	model_start(put_one, NULL);
	model_start(try_get_one, &got[0]);
	finish();
}

static void try_get_two(void *arg)
{
	try_get_one(arg);
	try_get_one(arg);
}

/* It sleeps for half of the ring. */
static void the_get_that_makes_half_room_wakes_the_producer(void)
{
	begin_full(3);
	model_start(put_one, NULL);
	model_until_asleep();
	model_start(try_get_two, &got[0]);
	finish();
}

/* Each waits for the other in turn. */
static void one_slot_is_handed_to_and_fro(void)
{
	begin(1);
	get_asleep(&got[0]);
	model_start(put_two, NULL);
	finish();
}

#define CASES(CASE)                                                                                \
	CASE(a_get_wakes_the_producer)                                                             \
	CASE(the_get_that_makes_half_room_wakes_the_producer)                                      \
	CASE(one_slot_is_handed_to_and_fro)
#include "main.h"
