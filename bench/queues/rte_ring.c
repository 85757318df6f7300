/*
 * DPDK's ring, in memory of our own: that needs no EAL, its run-time environment. It holds items of
 * any multiple of 4 bytes, never waits, so both sides poll (polling.h), and knows no completion
 * (helper.h). Two competitors, which differ in how consumers finish:
 *
 * rte_ring      Consumers finish in the order in which they began. A consumer that is preempted
 *               half-way holds up all others, which spin. Meant for one thread to a core.
 * rte_ring_rts  The last consumer to finish gives the slots of all back. Made for more threads than
 *               cores.
 */
#include <errno.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>

#include "helper.h"

struct rte_queue {
	struct helper helper;
	struct rte_ring *ring;
	unsigned element; /* == item_size, as DPDK has it */
};

static struct rte_ring *new_ring(const struct bench_shape *shape, unsigned flags)
{
	/* RING_F_EXACT_SZ takes the next power of two above. */
	unsigned slots = rte_align32pow2((uint32_t)shape->capacity + 1);
	ssize_t bytes = rte_ring_get_memsize_elem((unsigned)shape->item_size, slots);
	struct rte_ring *ring =
	        bytes < 0 ? NULL : aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)bytes);

	if (ring && rte_ring_init(ring, "squares", (unsigned)shape->capacity,
	                          flags | RING_F_SP_ENQ | RING_F_EXACT_SZ) == 0)
		return ring;
	free(ring);
	return NULL;
}

static int create_with(void **queue, const struct bench_shape *shape, unsigned flags)
{
	if (shape->item_size % 4 != 0)
		return -EINVAL;
	if (shape->capacity >= RTE_RING_SZ_MASK / 2 || shape->item_size > UINT32_MAX)
		return -EOVERFLOW;
	struct rte_queue *q = aligned_alloc(COMPLETION_LINE, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->ring = new_ring(shape, flags);
	q->element = (unsigned)shape->item_size;
	if (!q->ring || helper_init(&q->helper, shape) != 0) {
		free(q->ring);
		free(q);
		return -ENOMEM;
	}
	*queue = q;
	return 0;
}

static int create(void **queue, const struct bench_shape *shape)
{
	return create_with(queue, shape, 0);
}

static int create_rts(void **queue, const struct bench_shape *shape)
{
	return create_with(queue, shape, RING_F_MC_RTS_DEQ);
}

static void destroy(void *queue)
{
	struct rte_queue *q = queue;

	helper_destroy(&q->helper);
	free(q->ring);
	free(q);
}

static int put(void *queue, const void *item)
{
	struct rte_queue *q = queue;
	struct polling polling = {0};

	while (rte_ring_enqueue_elem(q->ring, (void *)(uintptr_t)item, q->element) != 0)
		polling_wait(&polling);
	completion_put(&q->helper.completion, 1);
	return 0;
}

static ssize_t put_many(void *queue, const void *items, size_t n)
{
	struct rte_queue *q = queue;
	struct polling polling = {0};
	unsigned placed;

	while ((placed = rte_ring_enqueue_burst_elem(q->ring, items, q->element, (unsigned)n,
	                                             NULL)) == 0)
		polling_wait(&polling);
	completion_put(&q->helper.completion, placed);
	return placed;
}

static int get(void *handle, void *item)
{
	struct helper_handle *me = handle;
	struct rte_queue *q = (struct rte_queue *)me->queue;
	struct helper_waiting wait = {0};

	while (rte_ring_dequeue_elem(q->ring, item, q->element) != 0)
		if (!helper_wait(&q->helper, &wait))
			return -ESHUTDOWN;
	return 0;
}

static ssize_t get_many(void *handle, void *items, size_t max)
{
	struct helper_handle *me = handle;
	struct rte_queue *q = (struct rte_queue *)me->queue;
	struct helper_waiting wait = {0};
	unsigned taken;

	while ((taken = rte_ring_dequeue_burst_elem(q->ring, items, q->element, (unsigned)max,
	                                            NULL)) == 0)
		if (!helper_wait(&q->helper, &wait))
			return -ESHUTDOWN;
	return taken;
}

#define CALLS                                                                                      \
	.can = BENCH_BULK | BENCH_BOUNDED | BENCH_FIFO | BENCH_SIMULATED, .type = "rte_queue",     \
	.destroy = destroy, .consumer = helper_consumer, .put = put, .put_many = put_many,         \
	.get = get, .get_many = get_many, .task_done = helper_task_done, .join = helper_join,      \
	.shutdown = helper_shutdown

extern const struct bench_queue bench_rte_ring;
const struct bench_queue bench_rte_ring = {
        .name = "rte_ring",
        .note = "DPDK's, SP/MC: a preempted consumer holds up all others; item sizes by 4",
        .create = create,
        CALLS,
};

extern const struct bench_queue bench_rte_ring_rts;
const struct bench_queue bench_rte_ring_rts = {
        .name = "rte_ring_rts",
        .note = "DPDK's, SP/MC with relaxed tail sync: made for preempted threads; item sizes by 4",
        .create = create_rts,
        CALLS,
};
