/*
 * A producer that sleeps until consumers get: it does not sleep on when there is room, whether
 * consumers move the head or one leads, even if the consumer that was to wake it is stopped. With
 * MODEL_PLAIN nobody leads.
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
	model_start_asleep(put_one, NULL);
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

static void sleep_here(void *arg)
{
	(void)arg;
	sleep_until_room(queue, 1, NULL);
}

static void try_get_known(void *arg)
{
	uint64_t item;

	*(unsigned *)arg += ring_take(&queue->ring, my_cell(queue), &item, 1, true) == 1;
}

/* As wake_producer_if_room(), by a thread that is stopped before it wakes the producer. */
static void get_and_stop(void *arg)
{
	try_get_known(arg);
	if (gate_sleepers(&queue->room) > 0)
		atomic_store_explicit(
		        &queue->producer_woken,
		        atomic_load_explicit(&queue->room.entered, memory_order_relaxed),
		        memory_order_relaxed);
}

static void get_until_empty(void *arg)
{
	uint64_t item;

	while (spmcq_try_get(queue, &item) == 0)
		*(unsigned *)arg += 1;
}

static void a_consumer_that_finds_no_more_wakes_for_a_stopped_one(void)
{
	begin_full(2);
	model_start_asleep(sleep_here, NULL);
	model_start(get_and_stop, &got[0]);
	model_start(get_until_empty, &got[1]);
	finish();
}

/* The same with the producer anywhere between its steps, and one that is stopped already. */
static void a_producer_that_lies_down_is_woken_for_a_stopped_consumer(void)
{
	begin_full(1);
	atomic_store(&queue->producer_woken, 1);
	model_start(sleep_here, NULL);
	model_start(get_until_empty, &got[1]);
	finish();
}

#ifdef SPMCQ_LEAD

/* Takes by plain stores. */
static void a_leader_wakes_the_producer(void)
{
	model_lazy = true;
	begin_full(1);
	MODEL_CHECK(lead_begin(&queue->ring.cursor, cell_of(2)), "no lead");
	model_start(sleep_here, NULL);
	model_start(get_one, &got[0]);
	finish();
}

static void a_leader_that_has_known_the_item_wakes_the_producer(void)
{
	model_lazy = true;
	begin_full(1);
	fresh_items(&queue->ring, queue->ring.first);
	MODEL_CHECK(lead_begin(&queue->ring.cursor, cell_of(2)), "no lead");
	model_start(sleep_here, NULL);
	model_start(get_one, &got[0]);
	finish();
}

static void hold_and_get(void *arg)
{
	hold_cursor(queue, my_cell(queue));
	get_one(arg);
}

static void a_leader_that_begins_wakes_the_producer(void)
{
	model_lazy = true;
	begin_full(1);
	model_make_alone(&queue->ring.cursor, cell_of(2));
	model_start(sleep_here, NULL);
	model_start(hold_and_get, &got[0]);
	finish();
}

/* Its lead ends while it takes: another settles how far it got. The producer sleeps already. */
static void a_leader_whose_lead_ends_wakes_the_producer(void)
{
	struct room_wait wait;
	uint32_t slept_at;

	model_lazy = true;
	begin_full(1);
	fresh_items(&queue->ring, queue->ring.first);
	MODEL_CHECK(lead_begin(&queue->ring.cursor, cell_of(2)), "no lead");
	wait.q = queue;
	wait.want = 1;
	atomic_store(&queue->wake_producer_at, queue->ring.first + 1);
	slept_at = gate_announce(&queue->room);
	MODEL_CHECK(!look_for_room(&wait, true), "there is room");
	model_start(try_get_one, &got[0]);
	model_start(try_get_one, &got[1]);
	model_end();
	MODEL_CHECK(got[0] + got[1] == 1, "not got once");
	MODEL_CHECK(atomic_load(&queue->room.epoch.value) != slept_at, "the producer sleeps on");
	free(queue);
}

#define LEAD_CASES(CASE)                                                                           \
	CASE(a_leader_wakes_the_producer)                                                          \
	CASE(a_leader_that_has_known_the_item_wakes_the_producer)                                  \
	CASE(a_leader_that_begins_wakes_the_producer)                                              \
	CASE(a_leader_whose_lead_ends_wakes_the_producer)
#else
#define LEAD_CASES(CASE)
#endif

#define CASES(CASE)                                                                                \
	CASE(a_get_wakes_the_producer)                                                             \
	CASE(the_get_that_makes_half_room_wakes_the_producer)                                      \
	CASE(a_consumer_that_finds_no_more_wakes_for_a_stopped_one)                                \
	CASE(a_producer_that_lies_down_is_woken_for_a_stopped_consumer)                            \
	CASE(one_slot_is_handed_to_and_fro)                                                        \
	LEAD_CASES(CASE)
#include "main.h"
