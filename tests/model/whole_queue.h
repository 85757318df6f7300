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

	options.interruptible = options.no_membarrier = false;
	/* Two positions before they wrap. */
	options.first_position = (UINT64_C(1) << 62) - 2;
	options.unchecked_producer = unchecked;
	MODEL_CHECK(spmcq_create(&queue, capacity, sizeof(uint64_t), &options) == 0, "no queue");
	/* No looks but those that the protocol needs. */
	for (unsigned i = 0; i < CELLS; i++)
		CELL_SET(&queue->ring.cursor.cells.cell[i], patience, 0);
	placed = 0;
	got[0] = got[1] = 0;
}

/* It is not checked which thread puts: that matters to few cases. */
static inline void begin(size_t capacity)
{
	begin_checked(capacity, true);
}

static inline void put_now(void)
{
	uint64_t item = placed + 1;

	placed += spmcq_try_put(queue, &item) == 0;
}

/* The cell at which this thread of the case will look first, in its name. */
static inline struct cell *cell_of(unsigned thread)
{
	struct cells *cells = &queue->ring.cursor.cells;
	uint64_t id = model_thread_id(thread);
	size_t home = cell_home(id) / sizeof(struct cell);

	MODEL_CHECK(own(cells, home, id), "the cell has an owner");
	return &cells->cell[home];
}

/* All threads of the case share a cell. */
static inline struct cell *share_a_cell(void)
{
	struct cells *cells = &queue->ring.cursor.cells;

	for (unsigned i = 0; i < OWN_CELLS; i++)
		atomic_store(&cells->cell[i].owner, 0);
	return &cells->cell[OWN_CELLS];
}

/* This thread of the case takes an item that it knows is there. */
static inline void take_for(unsigned thread)
{
	uint64_t item;

	MODEL_CHECK(ring_take(&queue->ring, cell_of(thread), &item, 1, true) == 1, "nothing there");
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
	model_start_asleep(get_one, count);
}

/* When all threads have ended: every item put was got once or is there. Nobody sleeps for ever
 * beside an item or a leader, and the producer not beside room for half of them. */
static inline void finish(void)
{
	const struct cursor *cursor = &queue->ring.cursor;
	uint64_t tail;
	size_t left;

	model_end();
	left = ring_size(&queue->ring);
	tail = cursor_tail_glimpsed(cursor);
	MODEL_CHECK(got[0] + got[1] + left +
	                            (size_t)position_distance(cursor_last(cursor, tail), tail) ==
	                    placed,
	            "items got lost");
	MODEL_CHECK(left == 0 || model_asleep(&queue->items) == 0, "a consumer sleeps on");
	MODEL_CHECK(!cursor_is_held(&queue->ring.cursor) || model_asleep(&queue->items) == 0,
	            "a consumer sleeps beside a leader");
	MODEL_CHECK(queue->ring.capacity - left < (queue->ring.capacity + 1) / 2 ||
	                    model_asleep(&queue->room) == 0,
	            "the producer sleeps on");
	free(queue);
}

#endif
