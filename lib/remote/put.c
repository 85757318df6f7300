/*
 * Putting. The producer asks the server how many items are unfinished, and then puts as many as
 * there is room for before it asks again. When there is none, it asks again after a nap. The nap
 * doubles each time that there was no room.
 */
#include "remote.h"

#include <errno.h>
#include <limits.h>

/* From a round trip on one machine up to the time that a slow consumer needs for an item. */
#define NAP_LEAST (MS / 5)
#define NAP_MOST (20 * MS)

struct put {
	struct spmcq_remote *q;
	const char *items;
	size_t n, placed;
	struct limit limit;
	int64_t nap;
	unsigned refused; /* times that the server had refused a subject when the call began */
};

/* Returns 0 to try again, or error when there is no time left. */
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

/* No stream listens: the queue is shut down, or no server leads its stream for a moment. */
static int put_nobody(struct put *put)
{
	struct stream_state state;
	int error = server_ask_stream(put->q, &state);

	if (error == 0 && state.is_closed)
		return fault(-ESHUTDOWN, "the queue is shut down");
	if (error && error != -ENOTCONN)
		return error;
	return put_wait(put, fault(-ENOTCONN, "nobody answers for the queue"));
}

/* Another has put, and we did not know. It may have been the producer before us. */
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

/* Finds out how much of a run of n was kept. Waits until the server can be asked. */
static int put_ask(struct put *put, const void *items, size_t n)
{
	struct limit patience = limit_in(put->q->settings.options.answer_ms * MS);
	struct put wait = *put;
	size_t stored;
	int error;

	if (put->limit.once)
		wait.limit = patience;
	while ((error = producer_ask_stored(put->q, n, &stored)) == -ENOTCONN)
		if ((error = put_wait(&wait, error)))
			break;
	if (error) {
		producer_doubt(put->q, items, n);
		return error;
	}
	put->q->producer.last += stored;
	put->placed += stored;
	return 0;
}

/* The answer is missing. There will be none if the server refuses us the subject. */
static int put_lost(struct put *put, const void *items, size_t n)
{
	int error = put_ask(put, items, n);

	if (error == 0 && connection_fault(&put->q->connection, put->refused, -ENOTCONN) == -EACCES)
		return -EACCES;
	return error;
}

/* The first time after the server was started anew, this mends the queue. */
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

/* Asks the server for room if the producer knows of none. Others only make room, and the server
 * refuses items of a former producer; so what was found is there until it is used. The server
 * itself could refuse items, too. But servers before 2.10.6 that have a limit and are killed drop
 * the oldest items when they find more than that, and in a cluster each counts for itself. */
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
	if (state.unfinished < q->settings.capacity) {
		q->producer.room = q->settings.capacity - (size_t)state.unfinished;
		return 0;
	}
	repair_look(q);
	return put_wait(put, fault(-ETIMEDOUT, "full"));
}

/* The length of the next run; 0: there is no room. */
static size_t put_length(const struct put *put)
{
	size_t n = put->n - put->placed;

	if (n > put->q->producer.room)
		n = put->q->producer.room;
	return n < RUN_MOST ? n : RUN_MOST;
}

/* Lowers the room that put_ask_room() found by what was stored. After a fault none is known. */
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
	put->q->producer.last += published.stored;
	put->placed += published.stored;
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
			return fault(-ENOTCONN, "the server does not let us in any more");
		error = put_wait(put, fault(-ENOTCONN, "not connected"));
	}
	return error;
}

/* Takes the lease, and settles what an earlier put left in doubt. */
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
