/*
 * A queue that says there are unfinished items, and will never deliver any.
 *
 * In a cluster of servers before 2.9.16 an acknowledgement can reach a server before its item does.
 * That server then keeps the item for good, although to the durable consumer it is acknowledged. A
 * single server can fail to remove an item, too, when it was killed before. Without a repair join
 * would wait for ever, and the item's room would be lost. The log of reports shows which items were
 * reported, and they are removed. Only threads that wait in vain look for this, at most once in
 * REPAIR_LOOK.
 */
#include "remote.h"

#define REPAIR_LOOK SECOND

/* True if items are unfinished, but none is queued or held. */
static bool repair_is_idle(struct spmcq_remote *q, struct stream_state *stream)
{
	struct consumer_state consumer;

	return server_ask_stream(q, stream) == 0 && stream->unfinished > 0 &&
	       server_ask_consumer(q, &consumer) == 0 && consumer.queued == 0 && consumer.held == 0;
}

/* Removes the items that are there although they were reported. If this fails, the next look tries
 * again. */
static void repair(struct spmcq_remote *q)
{
	struct positions again;
	uint64_t newest;

	if (log_find_again(q, &again, &newest) == 0)
		(void)remove_items(q, &again);
	positions_clear(&again);
}

/* Called while a thread waits for an item, for room or for the end. If two looks in a row find the
 * same, the queue is repaired. */
INTERNAL void repair_look(struct spmcq_remote *q)
{
	struct log *log = &q->log;
	struct stream_state stream = {.last = 0};

	if (!log->is_kept || now_ns() < atomic_load(&log->repair_at) ||
	    pthread_mutex_trylock(&log->lock) != 0)
		return;
	atomic_store(&log->repair_at, now_ns() + REPAIR_LOOK);
	if (!repair_is_idle(q, &stream))
		log->idle_first = 0;
	else if (log->idle_first != stream.first || log->idle_last != stream.last)
		log->idle_first = stream.first, log->idle_last = stream.last;
	else
		repair(q);
	pthread_mutex_unlock(&log->lock);
}
