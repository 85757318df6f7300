/*
 * Putting. The producer asks the server how many messages are unfinished, and then puts as many as
 * there is room for before it asks again. If there is no room, it sleeps, and asks again. The sleep
 * is twice as long each time.
 */
#include "remote.h"

#include <errno.h>
#include <limits.h>

/* The least sleep is about a round trip on one machine, the longest about the time that a slow
 * consumer needs for an item. */
#define NAP_LEAST (MS / 5)
#define NAP_MOST (20 * MS)

struct put {
	struct spmcq_remote *q;
	const char *items;
	size_t n, placed;
	struct limit limit;
	int64_t nap;
	unsigned refused; /* connection.refused when the call began */
};

/* Sleeps, and returns 0 to try again; or returns error, if there is no time left or the call does
 * not wait. */
static int put_wait(struct put *put, int error)
{
	if (put->limit.once)
		return error == -ETIMEDOUT ? fault(-EAGAIN, "full") : error;
	if (limit_is_over(put->limit))
		return error;
	limit_sleep(put->limit, put->nap);
	put->nap = put->nap * 2 < NAP_MOST ? put->nap * 2 : NAP_MOST;
	return 0;
}

/* No stream has the subject of items: the queue is shut down, or its stream has no leader now. */
static int put_nobody(struct put *put)
{
	struct stream_state state;
	int error = server_ask_stream(put->q, &state);

	if (error == 0 && state.is_closed)
		return fault(-ESHUTDOWN, "the queue is shut down");
	if (error && error != -ENOTCONN)
		return error;
	return put_wait(put, fault(-ENOTCONN, "no server answers for the queue"));
}

/* Another producer has put an item that this producer does not know of, possibly before this one
 * took the lease. */
static int put_out_of_order(struct put *put)
{
	int error = lease_check(&put->q->producer);
	struct stream_state state;

	if (error == 0)
		error = server_ask_stream(put->q, &state);
	if (error == 0 && state.last > put->q->producer.last)
		put->q->producer.last = state.last;
	return error == -ENOTCONN ? put_wait(put, error) : error;
}

/* Asks how many of the items in doubt are stored. Waits until the server can be asked. */
static int put_ask(struct put *put)
{
	struct limit patience = limit_in(put->q->settings.options.answer_ms * MS);
	struct put wait = *put;
	size_t stored;
	int error;

	if (put->limit.once)
		wait.limit = patience;
	while ((error = producer_ask_stored(put->q, &stored)) == -ENOTCONN)
		if ((error = put_wait(&wait, error)))
			break;
	if (error == 0)
		put->placed += stored < put->n - put->placed ? stored : put->n - put->placed;
	return error;
}

/* The answer is missing. If the server has refused the subject, no answer will come. */
static int put_lost(struct put *put, const void *items, size_t n)
{
	int error;

	producer_doubt(put->q, items, n);
	error = put_ask(put);
	if (error == 0 && connection_fault(&put->q->connection, put->refused, -ENOTCONN) == -EACCES)
		return -EACCES;
	return error;
}

/* Asks as log_ask_stream() does. The first time after the server was restarted, this also completes
 * the repair of the queue: see log.c and fill.c. */
static int put_ask_stream(struct spmcq_remote *q, struct stream_state *state)
{
	int error = log_ask_stream(q, state);
	uint64_t newest;

	if (error || !log_is_to_mend(q, &newest))
		return error;
	error = fill_positions(q, state->last, newest);
	if (error == 0)
		log_note_mended(q);
	return error;
}

/* If the known room is used up, asks the server how many messages are unfinished. Consumers only
 * make more room, and the server refuses items of a former producer; so the room that was found
 * remains until this producer uses it. The stream could also have a limit, and refuse items itself.
 * But a server before 2.10.6 that was killed may find more items than the limit, and drops the
 * oldest; and in a cluster each server counts its own items. */
static int put_ask_room(struct put *put)
{
	struct spmcq_remote *q = put->q;
	struct stream_state state;
	int error;

	if (q->producer.room > 0)
		return 0;
	error = put_ask_stream(q, &state);
	if (error)
		return error == -ENOTCONN ? put_wait(put, error) : error;
	if (state.is_closed)
		return fault(-ESHUTDOWN, "the queue is shut down");
	if (state.unfinished < messages_for(q, q->settings.capacity)) {
		q->producer.room = messages_for(q, q->settings.capacity) - (size_t)state.unfinished;
		return 0;
	}
	repair_look(q);
	return put_wait(put, fault(-ETIMEDOUT, "full"));
}

/* Returns how many items the next run has; 0: there is no room. While items are in doubt, the run
 * has none but these. */
static size_t put_length(const struct put *put)
{
	const struct producer *producer = &put->q->producer;
	size_t n = put->n - put->placed;

	if (producer->doubt_n > 0 && n > producer->doubt_n)
		n = producer->doubt_n;
	return items_in(put->q, producer->room < RUN_MOST ? producer->room : RUN_MOST, n);
}

/* Subtracts the stored messages from the room that put_ask_room() found. After an error no room is
 * known. */
static void put_use_room(struct spmcq_remote *q, const struct published *published)
{
	if (published->answer == ANSWER_KEPT)
		q->producer.room -= published->stored;
	else
		q->producer.room = 0;
}

static int put_run(struct put *put)
{
	const char *items = put->items + put->placed * put->q->settings.item_size;
	int error = put_ask_room(put);
	size_t n = put_length(put);
	struct published published;

	if (error || n == 0)
		return error;
	published = publish(put->q, items, n);
	put_use_room(put->q, &published);
	if (published.answer == ANSWER_NONE)
		return put_lost(put, items, n);
	producer_stored(put->q, published.stored);
	put->placed += items_in(put->q, published.stored, n);
	if (published.stored > 0)
		atomic_store(&put->q->seen, put->q->producer.last);
	if (published.stored > 0)
		put->nap = NAP_LEAST;
	switch (published.answer) {
	case ANSWER_OUT_OF_ORDER:
		return put_out_of_order(put);
	case ANSWER_NOBODY:
		return put_nobody(put);
	case ANSWER_REFUSED:
		return published.error;
	default:
		return 0;
	}
}

static int put_wait_for_server(struct put *put)
{
	int error = 0;

	while (error == 0 && !connection_is_up(&put->q->connection)) {
		if (connection_is_dead(&put->q->connection))
			return fault(-ENOTCONN, "the server refuses this user now");
		error = put_wait(put, fault(-ENOTCONN, "not connected"));
	}
	return error;
}

/* Takes the lease, and settles the doubt if the answer to an earlier put was lost. */
static int put_begin(struct put *put)
{
	struct spmcq_remote *q = put->q;
	int error;

	do {
		error = put_wait_for_server(put);
		if (error == 0)
			error = producer_begin(q, false);
		if (error == 0 && q->producer.doubt_n > 0)
			error = producer_settle(q, put->items, put->n, &put->placed);
		error = connection_fault(&q->connection, put->refused, error);
		if (error != -ENOTCONN)
			return error;
	} while ((error = put_wait(put, error)) == 0);
	return error;
}

static int put_all(struct put *put)
{
	int error = put_begin(put);

	while (error == 0 && put->placed < put->n) {
		error = put_wait_for_server(put);
		if (error == 0)
			error = put_run(put);
	}
	return connection_fault(&put->q->connection, put->refused, error);
}

static ssize_t put_limited(struct spmcq_remote *q, const void *items, size_t n, struct limit limit)
{
	struct put put = {.q = q,
	                  .items = items,
	                  .n = n,
	                  .limit = limit,
	                  .nap = NAP_LEAST,
	                  .refused = atomic_load(&q->connection.refused)};
	int error;

	if (atomic_load(&q->is_closed))
		return fault(-ESHUTDOWN, "the queue is shut down");
	atomic_fetch_add(&q->inside, 1);
	error = producer_enter(&q->producer);
	if (error == 0) {
		error = put_all(&put);
		producer_leave(&q->producer);
	}
	atomic_fetch_sub(&q->inside, 1);
	return put.placed > 0 ? (ssize_t)put.placed : error;
}

static ssize_t put_checked(struct spmcq_remote *q, const void *items, size_t n, struct limit limit)
{
	if (!q || !items || n == 0 || n > SSIZE_MAX / q->settings.item_size)
		return fault(-EINVAL, "no queue, or no items");
	return put_limited(q, items, n, limit);
}

int spmcq_remote_put(struct spmcq_remote *q, const void *item)
{
	return one(put_checked(q, item, 1, limit_never));
}

int spmcq_remote_try_put(struct spmcq_remote *q, const void *item)
{
	return one(put_checked(q, item, 1, limit_try));
}

int spmcq_remote_put_until(struct spmcq_remote *q, const void *item,
                           const struct timespec *deadline)
{
	if (!limit_is_valid(deadline))
		return bad_deadline();
	return one(put_checked(q, item, 1, limit_of(deadline)));
}

ssize_t spmcq_remote_put_many(struct spmcq_remote *q, const void *items, size_t n)
{
	return put_checked(q, items, n, limit_never);
}

ssize_t spmcq_remote_try_put_many(struct spmcq_remote *q, const void *items, size_t n)
{
	return put_checked(q, items, n, limit_try);
}

ssize_t spmcq_remote_put_many_until(struct spmcq_remote *q, const void *items, size_t n,
                                    const struct timespec *deadline)
{
	if (!limit_is_valid(deadline))
		return bad_deadline();
	return put_checked(q, items, n, limit_of(deadline));
}
