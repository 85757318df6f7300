/*
 * Repairs a queue whose server counts unfinished items that it never delivers.
 *
 * In a cluster of servers before 2.9.16 an acknowledgement can reach a server before the item does.
 * That server then keeps the item, although the durable consumer has recorded the acknowledgement.
 * A single server that was killed before can fail to remove an item, too. Without a repair, join
 * would wait for ever, and the item would take up room for ever. The log of reports shows which
 * items were reported, and these are removed. Only threads that have waited in vain check for this,
 * at most once in REPAIR_LOOK.
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

/* Removes the items that the server has although they were reported. If this fails, the next check
 * tries again. */
static void repair(struct spmcq_remote *q)
{
	struct positions again;
	uint64_t newest;

	if (log_find_again(q, &again, &newest) == 0)
		(void)remove_items(q, &again);
	positions_clear(&again);
}

/* Called while a thread waits for an item, for room, or in join. If two checks in a row find the
 * queue idle with the same positions, it is repaired. */
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
