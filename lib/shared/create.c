/*
 * Making a queue; making and destroying handles.
 */
#include "create.h"

#include "calls.h"
#include "keep.h"
#include "life.h"
#include "memory.h"
#include "reap.h"
#include "thread_id.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROCESSES = 64, THREADS = 16 };

INTERNAL int break_handle(struct handle *h)
{
	/* Relaxed: a flag that orders nothing. */
	atomic_store_explicit(&h->is_broken, true, memory_order_relaxed);
	return -EPROTO;
}

INTERNAL int handle_status(const struct handle *h)
{
	if (*h->attached == 0)
		return -EPERM;
	/* Relaxed: as in break_handle(). */
	return atomic_load_explicit(&h->is_broken, memory_order_relaxed) ? -EPROTO : 0;
}

INTERNAL struct handle *handle_new(void)
{
	static _Atomic uint64_t handles;
	struct handle *h = aligned_alloc(alignof(struct handle), sizeof *h);

	if (h == NULL)
		return NULL;
	memset(h, 0, sizeof *h);
	h->face.table = shared_calls;
	/* Relaxed: the number only has to differ from all others. */
	h->id = 1 + atomic_fetch_add_explicit(&handles, 1, memory_order_relaxed);
	h->one_file = h->two_file = -1;
	h->producer_process = h->producer_lifeline = -1;
	h->lifeline = h->self = -1;
	h->attached = attached_page();
	if (h->attached == NULL || pthread_mutex_init(&h->lock, NULL) != 0) {
		attached_free(h->attached);
		free(h);
		return NULL;
	}
	return h;
}

INTERNAL void handle_free(struct handle *h)
{
	for (uint32_t i = 0; h->peers != NULL && i < h->layout.processes; i++)
		peer_forget(&h->peers[i]);
	/* A forked child does not have this memory, and may have other memory at its address. */
	if (*h->attached != 0)
		memory_unmap(h);
	if (h->seats != NULL)
		pthread_key_delete(h->seat_key);
	seats_free(h);
	close_if_open(&h->one_file);
	close_if_open(&h->two_file);
	close_if_open(&h->producer_process);
	close_if_open(&h->producer_lifeline);
	close_if_open(&h->lifeline);
	close_if_open(&h->self);
	spmcq_key_destroy(h->key);
	pthread_mutex_destroy(&h->lock);
	attached_free(h->attached);
	free(h->peers);
	places_free(h);
	free(h->run);
	free(h->spare_run);
	free(h->aside);
	free(h);
}

INTERNAL int producer_prepare(struct handle *h, const struct spmcq_shared_options *options)
{
	struct layout *layout = &h->layout;
	int r;

	h->is_producer = true;
	h->options = *options;
	h->unchecked = options->unchecked_producer;
	h->interruptible = options->interruptible;
	atomic_init(&h->owner, NO_THREAD);
	h->peers = calloc(layout->processes, sizeof *h->peers);
	h->run = malloc(layout->run_most * layout->item_size + layout->tag_size);
	h->spare_run = malloc(layout->run_most * layout->item_size + layout->tag_size);
	h->aside = malloc(layout->item_size + layout->tag_size);
	if (h->peers == NULL || h->run == NULL || h->spare_run == NULL || h->aside == NULL ||
	    places_make(h) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < layout->processes; i++)
		h->peers[i] = (struct my_peer){.process = -1, .lifeline = -1};
	h->lifeline = lifeline_make();
	r = h->lifeline < 0 ? h->lifeline : lifeline_hold(h->lifeline);
	if (r != 0)
		return r;
	h->self = life_open(getpid());
	return h->self < 0 ? h->self : 0;
}

INTERNAL void record_write(struct handle *h, uint32_t number, pid_t process)
{
	struct peer_record *record = record_of(h, number);
	uint64_t peers = atomic_load_explicit(&h->one->peers, memory_order_relaxed);

	/* Relaxed: only this process writes records. */
	seats_begin(h, number);
	atomic_store_explicit(&record->born, life_began(process), memory_order_relaxed);
	atomic_store_explicit(&record->serial, ++h->next_serial, memory_order_relaxed);
	atomic_store_explicit(&record->named, 0, memory_order_relaxed);
	/* Sequentially consistent, pairs with sum_of_reports(): the record is written before its
	 * process can report. */
	atomic_store_explicit(&record->process, (uint64_t)process, memory_order_seq_cst);
	if (peers <= number)
		atomic_store_explicit(&h->one->peers, number + 1, memory_order_seq_cst);
}

static void begin_at(struct handle *h, uint64_t first)
{
	h->tail = h->room_limit = h->head_of_room = first;
	/* Relaxed: no other process has the queue yet. */
	atomic_init(&h->head_seen[QUEUE], first);
	atomic_init(&h->tail_seen, first);
	atomic_store_explicit(&h->one->tail, first, memory_order_relaxed);
	atomic_store_explicit(&h->one->kept_up_to, first, memory_order_relaxed);
	atomic_store_explicit(&h->two->head, head_word(first, NO_SEAT), memory_order_relaxed);
	atomic_store_explicit(&h->two->again_head, head_word(0, NO_SEAT), memory_order_relaxed);
	for (uint64_t i = 0; i < h->layout.kept; i++)
		atomic_store_explicit(&kept_at(h, i)->position, KEPT_NOTHING, memory_order_relaxed);
}

static int make_key(struct handle *h, struct shape *shape, enum spmcq_algorithm algorithm)
{
	ssize_t sealed;
	int r = spmcq_key_create(&h->key, algorithm);

	if (r != 0)
		return r;
	sealed = spmcq_sealed_size(h->key, 1, 1);
	if (sealed < 0)
		return (int)sealed;
	shape->algorithm = (uint32_t)spmcq_key_algorithm(h->key);
	shape->tag_size = (uint32_t)sealed - 1;
	return 0;
}

static int make(struct handle *h, struct shape *shape, const struct spmcq_shared_options *options)
{
	int r = options->sealed ? make_key(h, shape, options->algorithm) : 0;

	if (r == 0)
		r = layout_make(&h->layout, shape);
	if (r == 0)
		r = producer_prepare(h, options);
	if (r == 0)
		r = memory_make_one(h, shape);
	if (r == 0)
		r = memory_make_two(h);
	h->redelivers = options->redeliver;
	if (r == 0)
		r = seats_make(h);
	if (r != 0)
		return r;
	begin_at(h, shape->first);
	places_see(h);
	record_write(h, 0, getpid());
	h->serial = h->next_serial;
	return 0;
}

/* There are twice as many places as peers may live at a time, because a peer that is gone keeps its
 * place until its losses are named; and one place each for the producer and its successor. */
static uint32_t places_for(uint32_t processes)
{
	return 2 * processes + 2;
}

int spmcq_shared_create(struct spmcq **q, size_t capacity, size_t item_size,
                        const struct spmcq_shared_options *given)
{
	struct spmcq_shared_options options = {0};
	struct shape shape;
	struct handle *h;
	int r;

	if (q == NULL || capacity == 0 || item_size == 0)
		return -EINVAL;
	if (given != NULL)
		options = *given;
	if (options.processes > SEATS_MOST || options.threads > SEATS_MOST)
		return -EINVAL;
	shape_begin(&shape, capacity, item_size);
	shape.first = options.first_position & POSITION_ONES;
	shape.processes = places_for(options.processes != 0 ? options.processes : PROCESSES);
	shape.threads = options.threads != 0 ? options.threads : THREADS;
	shape.redeliver = options.redeliver;
	shape.interruptible = options.interruptible;
	h = handle_new();
	if (h == NULL)
		return -ENOMEM;
	r = make(h, &shape, &options);
	if (r != 0) {
		handle_free(h);
		return r;
	}
	*q = (struct spmcq *)(void *)h;
	return 0;
}

INTERNAL int shared_destroy(struct spmcq *q)
{
	struct handle *h = handle_of(q);

	if (*h->attached != 0) {
		/* Acquire, pairs with leave(). */
		if (atomic_load_explicit(&h->inside, memory_order_acquire) != 0)
			return -EBUSY;
		/* Sequentially consistent: all puts come before this store, which
		 * producer_is_gone() reads. */
		if (h->is_producer)
			atomic_store_explicit(&h->one->left, 1, memory_order_seq_cst);
	}
	handle_free(h);
	return 0;
}
