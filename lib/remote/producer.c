/*
 * The producer side. Of all threads of all handles, one at a time may put. This file also handles a
 * put whose answer was lost: it remembers the items in doubt, and the next put asks the server
 * which of them were stored. Those that were not may still arrive, so they are put again with the
 * ids that they had, and stay in doubt until it is known that they are stored.
 */
#include "remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Returns an id of the calling thread. No two threads that run at the same time have the same id; a
 * new thread may have the id of a thread that has ended. */
static uintptr_t this_thread(void)
{
	static _Thread_local char here;

	return (uintptr_t)&here;
}

INTERNAL int producer_init(struct producer *producer)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&producer->lock, NULL);
	pthread_cond_init(&producer->ending, &monotonic);
	pthread_mutex_init(&producer->run.lock, NULL);
	pthread_cond_init(&producer->run.answered_all, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return 0;
}

INTERNAL void producer_destroy(struct producer *producer)
{
	lease_give_up(producer);
	kvStore_Destroy(producer->bucket);
	free(producer->doubt);
	pthread_cond_destroy(&producer->run.answered_all);
	pthread_mutex_destroy(&producer->run.lock);
	pthread_cond_destroy(&producer->ending);
	pthread_mutex_destroy(&producer->lock);
}

static int not_the_producer(void)
{
	return fault(-EPERM, "another thread is the producer");
}

/* Finds the newest position for a thread that has just become the producer. */
static int producer_find_last(struct spmcq_remote *q)
{
	struct stream_state state;
	int error = server_ask_stream(q, &state);

	if (error)
		return error;
	if (state.is_closed)
		return fault(-ESHUTDOWN, "the queue is shut down");
	q->producer.last = state.last;
	q->producer.room = 0;
	return 0;
}

/* Returns 0 when the lease is held and the newest position is known. */
INTERNAL int producer_begin(struct spmcq_remote *q, bool by_force)
{
	struct producer *producer = &q->producer;
	int error;

	if (producer->is_held && !by_force)
		return atomic_load(&producer->is_lost) ? lease_check(producer) : 0;
	error = producer_find_last(q);
	if (error == 0)
		error = lease_take(q, by_force);
	if (error == 0)
		/* Another handle may have put before this one took the lease. */
		error = producer_find_last(q);
	if (error)
		lease_give_up(producer);
	return error;
}

/* Makes the calling thread the owner if no other thread is the owner. */
INTERNAL int producer_enter(struct producer *producer)
{
	uintptr_t me = this_thread(), owner = 0;

	if (!atomic_compare_exchange_strong(&producer->owner, &owner, me) && owner != me)
		return not_the_producer();
	atomic_store(&producer->inside, true);
	return 0;
}

INTERNAL void producer_leave(struct producer *producer)
{
	if (!producer->is_held) /* the put failed before it took the lease */
		atomic_store(&producer->owner, 0);
	atomic_store(&producer->inside, false);
}

/* Notes that the n items, which were sent as one run, are in doubt. If items were in doubt before,
 * the run was the first of them. If there is no memory for the copy, the next put counts as a put
 * of other items. */
INTERNAL void producer_doubt(struct spmcq_remote *q, const void *items, size_t n)
{
	struct producer *producer = &q->producer;
	size_t size = n * q->settings.item_size;

	producer->is_unsettled = true;
	if (producer->doubt_n > 0)
		return;
	producer->doubt = malloc(size);
	producer->doubt_n = n;
	if (producer->doubt)
		memcpy(producer->doubt, items, size);
}

static void producer_forget_doubt(struct producer *producer)
{
	free(producer->doubt);
	producer->doubt = NULL;
	producer->doubt_n = 0;
	producer->is_unsettled = false;
}

/* The server has stored the next messages. They have the first of the items in doubt, if any are.
 */
INTERNAL void producer_stored(struct spmcq_remote *q, size_t messages)
{
	struct producer *producer = &q->producer;
	size_t item_size = q->settings.item_size;
	size_t n = items_in(q, messages, producer->doubt_n);

	producer->last += messages;
	if (n == producer->doubt_n) {
		producer_forget_doubt(producer);
		return;
	}
	producer->doubt_n -= n;
	if (producer->doubt)
		memmove(producer->doubt, producer->doubt + n * item_size,
		        producer->doubt_n * item_size);
}

/* stored: set to how many of the items in doubt the server has stored; they are in doubt no longer.
 * The server may not even have last itself (see fill.c). */
INTERNAL int producer_ask_stored(struct spmcq_remote *q, size_t *stored)
{
	struct producer *producer = &q->producer;
	size_t messages = messages_for(q, producer->doubt_n);
	struct stream_state state;
	int error = server_ask_stream(q, &state);

	if (error == 0)
		error = lease_check(producer);
	if (error)
		return error;
	producer->is_unsettled = false;
	if (state.last < producer->last + messages)
		messages = state.last > producer->last ? (size_t)(state.last - producer->last) : 0;
	*stored = items_in(q, messages, producer->doubt_n);
	producer_stored(q, messages);
	return 0;
}

/* True if the given items are those in doubt, as far as both go, and would be cut into the same
 * messages. */
static bool producer_doubts(const struct spmcq_remote *q, const char *items, size_t n)
{
	const struct producer *producer = &q->producer;
	size_t compared = n < producer->doubt_n ? n : producer->doubt_n;

	return producer->doubt && (compared == producer->doubt_n || n % per_message(q) == 0) &&
	       memcmp(producer->doubt, items, compared * q->settings.item_size) == 0;
}

/* Called if items are in doubt. Returns 0, and sets stored to the number of given items that need
 * not be put again, because the server has stored them; 0 if the given items are other ones.
 * Returns an error if the server cannot be asked now. */
INTERNAL int producer_settle(struct spmcq_remote *q, const char *items, size_t n, size_t *stored)
{
	struct producer *producer = &q->producer;
	bool is_same = producer_doubts(q, items, n);
	int error = producer->is_unsettled ? producer_ask_stored(q, stored) : 0;

	if (error || (is_same && *stored <= n))
		return error;
	/* Other items get ids that differ from the ids of messages that may still arrive. */
	producer_forget_doubt(producer);
	producer->attempt++;
	*stored = 0;
	return 0;
}

int spmcq_remote_release_producer(struct spmcq_remote *q)
{
	if (!q)
		return fault(-EINVAL, "no queue");
	if (atomic_load(&q->producer.owner) != this_thread())
		return not_the_producer();
	lease_give_up(&q->producer);
	atomic_store(&q->producer.owner, 0);
	return 0;
}

/* A former owner that is a thread of this handle must not be inside a put. */
int spmcq_remote_take_producer(struct spmcq_remote *q)
{
	struct producer *producer;
	int error;

	if (!q)
		return fault(-EINVAL, "no queue");
	producer = &q->producer;
	if (atomic_load(&producer->inside))
		return fault(-EBUSY, "the producer is inside a put");
	atomic_store(&producer->owner, this_thread());
	if (producer->is_held && !atomic_load(&producer->is_lost))
		return 0;
	lease_give_up(producer);
	error = producer_begin(q, true);
	if (error)
		atomic_store(&producer->owner, 0);
	return error;
}
