/*
 * What the model clients of the public calls share: a queue, and threads that use it.
 */
#ifndef MODEL_QUEUE_H
#define MODEL_QUEUE_H

#include "model.h"

enum { CONSUMERS = 2, ITEMS = 3 };

static struct spmcq *queue;

/* By one thread each; read when they have ended. */
static unsigned placed;
static unsigned got[CONSUMERS];

static inline void begin_checked(size_t capacity, bool unchecked)
{
	struct spmcq_options options;

	/* Two positions before they wrap. */
	options.first_position = (UINT64_C(1) << 63) - 2;
	options.unchecked_producer = unchecked;
	MODEL_CHECK(spmcq_create(&queue, capacity, sizeof(uint64_t), &options) == 0, "no queue");
	placed = 0;
	got[0] = got[1] = 0;
}

/* Who puts is not looked at: it matters to few cases. */
static inline void begin(size_t capacity)
{
	begin_checked(capacity, true);
}

static inline void put_now(void)
{
	uint64_t item = placed + 1;

	placed += spmcq_try_put(queue, &item) == 0;
}

/* arg: the consumer's count. */
static inline void get_one(void *arg)
{
	uint64_t item;
	int r = spmcq_get(queue, &item);

	if (r == 0)
		*(unsigned *)arg += 1;
	MODEL_CHECK(r == -ESHUTDOWN || (r == 0 && item >= 1 && item <= ITEMS), "got garbage");
}

static inline void try_get_one(void *arg)
{
	uint64_t item;

	*(unsigned *)arg += spmcq_try_get(queue, &item) == 0;
}

static inline void get_asleep(unsigned *count)
{
	model_start(get_one, count);
	model_until_asleep();
}

/* When all threads have ended: every item put was got once or is there. Nobody sleeps beside an
 * item or somebody who leads, and the producer not beside room for half of them. */
static inline void finish(void)
{
	size_t left;

	model_end();
	left = ring_size(&queue->ring);
	MODEL_CHECK(got[0] + got[1] + left + (size_t)queue->discarded == placed, "items got lost");
	MODEL_CHECK(left == 0 || model_asleep(&queue->items) == 0, "a consumer sleeps on");
	MODEL_CHECK(!ring_is_led(&queue->ring) || model_asleep(&queue->items) == 0,
	            "a consumer sleeps beside a leader");
	MODEL_CHECK(queue->ring.capacity - left < (queue->ring.capacity + 1) / 2 ||
	                    model_asleep(&queue->room) == 0,
	            "the producer sleeps on");
	free(queue);
}

#endif
