/*
 * The simplest queue that scales: a consumer takes a ticket by one fetch-and-add, which never
 * fails, and waits at the slot with that number. Each slot says by a sequence whose turn it is, so
 * that no thread reads the other side's counter. Published as folly's DSPMC queue and, earlier, in
 * Arnautov, Fetzer, Trach and Felber, "FFQ", IPDPS 2017.
 *
 * The price: a consumer that has taken a ticket has to wait for that very item, and the producer
 * waits for a consumer that is stopped between its ticket and its copy. It polls (polling.h) and
 * knows no completion (helper.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"

struct ticket_slot {
	uint64_t sequence; /* atomic: 2n: free for item n; 2n + 1: holds item n */
	unsigned char item[];
};

struct ticket_queue {
	struct helper helper;

	/* Set by create(), then only read. */
	COMPLETION_OWN_LINE size_t capacity;
	size_t slot_size;
	unsigned char *slots;

	/* Written by the producer; end also once, at shutdown. */
	COMPLETION_OWN_LINE uint64_t tail;
	COMPLETION_OWN_LINE uint64_t
	        end; /* atomic: no item will have this number or a higher one */

	COMPLETION_OWN_LINE uint64_t head; /* atomic: the next ticket */
};

static int create(void **queue, const struct bench_shape *shape)
{
	size_t slot_size = (sizeof(struct ticket_slot) + shape->item_size + 7) / 8 * 8;
	struct ticket_queue *q = aligned_alloc(COMPLETION_LINE, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->slots = calloc(shape->capacity, slot_size);
	if (!q->slots || helper_init(&q->helper, shape) != 0) {
		free(q->slots);
		free(q);
		return -ENOMEM;
	}
	q->capacity = shape->capacity;
	q->slot_size = slot_size;
	q->tail = q->head = 0;
	q->end = UINT64_MAX;
	for (uint64_t i = 0; i < shape->capacity; i++)
		((struct ticket_slot *)(void *)(q->slots + i * slot_size))->sequence = 2 * i;
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct ticket_queue *q = queue;

	helper_destroy(&q->helper);
	free(q->slots);
	free(q);
}

static struct ticket_slot *slot_of(struct ticket_queue *q, uint64_t number)
{
	return (struct ticket_slot *)(void *)(q->slots + number % q->capacity * q->slot_size);
}

static void copy(void *to, const void *from, size_t size)
{
	if (size == 8)
		memcpy(to, from, 8); /* a constant size: one instruction */
	else
		memcpy(to, from, size);
}

static int put(void *queue, const void *item)
{
	struct ticket_queue *q = queue;
	struct polling polling = {0};
	struct ticket_slot *slot = slot_of(q, q->tail);

	/* Pairs with the release in get(): the copy of the last item is over. */
	while (__atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE) != 2 * q->tail)
		polling_wait(&polling);
	copy(slot->item, item, q->helper.item_size);
	completion_put(&q->helper.completion, 1);
	/* Pairs with the acquire in get(): the item is there. */
	__atomic_store_n(&slot->sequence, 2 * q->tail++ + 1, __ATOMIC_RELEASE);
	return 0;
}

static int get(void *handle, void *item)
{
	struct helper_handle *me = handle;
	struct ticket_queue *q = (struct ticket_queue *)(void *)me->queue;
	/* Relaxed: with this ticket a consumer reads its slot only after the acquire load of the
	 * sequence below. */
	uint64_t ticket = __atomic_fetch_add(&q->head, 1, __ATOMIC_RELAXED);
	struct ticket_slot *slot = slot_of(q, ticket);
	struct polling polling = {0};

	while (__atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE) != 2 * ticket + 1) {
		if (ticket >= __atomic_load_n(&q->end, __ATOMIC_RELAXED))
			return -ESHUTDOWN;
		polling_wait(&polling);
	}
	copy(item, slot->item, q->helper.item_size);
	__atomic_store_n(&slot->sequence, 2 * (ticket + q->capacity), __ATOMIC_RELEASE);
	return 0;
}

static int shut_down(void *queue)
{
	struct ticket_queue *q = queue;

	__atomic_store_n(&q->end, q->tail, __ATOMIC_RELAXED);
	return 0;
}

extern const struct bench_queue bench_ticket;
const struct bench_queue bench_ticket = {
        .name = "ticket",
        .note = "while a consumer is stopped between its ticket and its copy, the producer waits",
        .can = BENCH_BOUNDED | BENCH_FIFO | BENCH_SIMULATED,
        .type = "ticket_queue",
        .create = create,
        .destroy = destroy,
        .consumer = helper_consumer,
        .put = put,
        .get = get,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = shut_down,
};
