/*
 * Join, shutdown, and what the server knows of the queue.
 */
#include "remote.h"

#include <errno.h>

/* A joiner asks again after this time: first JOIN_LEAST, then twice as long each time, up to
 * JOIN_MOST. */
#define JOIN_LEAST (MS / 2)
#define JOIN_MOST (50 * MS)

/* The stream has the unfinished items, and the server counts them when it answers. So a count of 0
 * was true at that moment. Items that were reported and that the server has all the same are
 * removed: by log_ask_stream() after a restart, and by repair_look(). */
static int join_limited(struct spmcq_remote *q, struct limit limit)
{
	int64_t nap = JOIN_LEAST;
	struct stream_state state;

	for (;;) {
		int error = log_ask_stream(q, &state);

		if (error == 0 && state.unfinished == 0)
			return 0;
		if (error && error != -ENOTCONN)
			return error;
		if (limit_is_over(limit) || (error && connection_is_dead(&q->connection)))
			return error ? error : fault(-ETIMEDOUT, "items are unfinished");
		repair_look(q);
		limit_sleep(limit, nap);
		nap = nap * 2 < JOIN_MOST ? nap * 2 : JOIN_MOST;
	}
}

int spmcq_remote_join_until(struct spmcq_remote *q, const struct timespec *deadline)
{
	int error;

	if (!q)
		return fault(-EINVAL, "no queue");
	if (!limit_is_valid(deadline))
		return bad_deadline();
	atomic_fetch_add(&q->inside, 1);
	error = join_limited(q, limit_of(deadline));
	atomic_fetch_sub(&q->inside, 1);
	return error;
}

int spmcq_remote_join(struct spmcq_remote *q)
{
	return spmcq_remote_join_until(q, NULL);
}

/* While the server cannot be reached, this tries again for at most 2 * answer_ms. The message to
 * the bell makes waiting gets ask whether the queue is shut down. */
int spmcq_remote_shutdown(struct spmcq_remote *q)
{
	struct limit limit;
	int error;

	if (!q)
		return fault(-EINVAL, "no queue");
	limit = limit_in(2 * q->settings.options.answer_ms * MS);
	atomic_fetch_add(&q->inside, 1);
	while ((error = server_close(q)) == -ENOTCONN && !limit_is_over(limit))
		limit_sleep(limit, 50 * MS);
	if (error == 0) {
		atomic_store(&q->is_closed, true);
		error = fault_of(
		        "shutdown",
		        natsConnection_PublishString(q->connection.nats, q->places.bell, ""), 0);
	}
	atomic_fetch_sub(&q->inside, 1);
	return error;
}

/* Returns how many items that many messages have at most. */
static uint64_t items_of(const struct spmcq_remote *q, uint64_t messages)
{
	return messages * per_message(q);
}

size_t spmcq_remote_capacity(const struct spmcq_remote *q)
{
	return q ? q->settings.capacity : 0;
}

size_t spmcq_remote_item_size(const struct spmcq_remote *q)
{
	return q ? q->settings.item_size : 0;
}

ssize_t spmcq_remote_size(struct spmcq_remote *q)
{
	struct consumer_state state;
	int error = q ? server_ask_consumer(q, &state) : fault(-EINVAL, "no queue");

	return error ? error : (ssize_t)items_of(q, state.queued);
}

ssize_t spmcq_remote_unfinished(struct spmcq_remote *q)
{
	struct stream_state state;
	int error = q ? log_ask_stream(q, &state) : fault(-EINVAL, "no queue");

	return error ? error : (ssize_t)items_of(q, state.unfinished);
}

int spmcq_remote_is_shutdown(struct spmcq_remote *q)
{
	struct stream_state state;
	int error = q ? server_ask_stream(q, &state) : fault(-EINVAL, "no queue");

	return error ? error : state.is_closed;
}

int spmcq_remote_stats(struct spmcq_remote *q, struct spmcq_remote_stats *out)
{
	struct consumer_state consumer;
	struct stream_state stream;
	uint64_t aside = 0;
	int error = q && out ? log_ask_stream(q, &stream)
	                     : fault(-EINVAL, "no queue, or no room for statistics");

	if (error == 0)
		error = server_ask_consumer(q, &consumer);
	if (error == 0)
		error = server_ask_aside(q, &aside);
	if (error == 0)
		*out = (struct spmcq_remote_stats){.put = items_of(q, stream.last),
		                                   .unfinished = items_of(q, stream.unfinished),
		                                   .held = items_of(q, consumer.held),
		                                   .redelivered = items_of(q, consumer.redelivered),
		                                   .set_aside = items_of(q, aside)};
	return error;
}
