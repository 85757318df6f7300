/*
 * Getting. A get sends the server one or more requests for items (see pull.c), and adds the items
 * that come to those that the thread holds. While the server cannot be reached, the get tries
 * again.
 */
#include "remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A waiting get sends a new request after this time, because requests are lost when another server
 * becomes the leader. */
#define PULL_WAITING (2 * SECOND)
/* Time between two attempts while the server cannot be reached. */
#define GET_NAP (100 * MS)
/* After shutdown a waiting get asks this often whether the items that other threads hold are
 * reported. */
#define PULL_CLOSED (10 * MS)

struct get {
	struct spmcq_remote *q;
	struct desk *desk;
	char *items;
	size_t max, got;
	size_t batch; /* the messages that max items may need */
	/* An item came that was reported before the server was restarted, or a filler. */
	bool has_again;
	struct limit limit;
	unsigned refused; /* connection.refused when the call began */
};

/* Copies the item to the stream of items set aside, then tells the server not to deliver it again.
 * If one of the two fails, the item is delivered again, and may be copied again. The second copy
 * has the same id, so the server drops it. */
static int set_aside(struct get *get, struct held item)
{
	struct spmcq_remote *q = get->q;
	natsMsg *message = item.message;
	jsPubOptions options;
	natsMsg *answer = NULL;
	char id[ID_MOST];

	snprintf(id, sizeof(id), "aside-%" PRIu64, item.position);
	jsPubOptions_Init(&options);
	options.MsgId = id;
	if (js_Publish(NULL, q->connection.js, q->places.aside_item, natsMsg_GetData(message),
	               natsMsg_GetDataLength(message), &options, NULL) == NATS_OK &&
	    natsConnection_RequestString(&answer, q->connection.nats, natsMsg_GetReply(message),
	                                 "+TERM", q->settings.options.answer_ms) == NATS_OK)
		natsMsg_Destroy(answer);
	natsMsg_Destroy(message);
	return 0;
}

/* Gives the item back, so that the server delivers it again at once. Returns error. */
static int give_up(struct get *get, struct held item, int error)
{
	(void)natsConnection_PublishString(get->q->connection.nats, natsMsg_GetReply(item.message),
	                                   "-NAK");
	natsMsg_Destroy(item.message);
	return error;
}

/* Acknowledges a filler (see fill.c), or an item that was reported but that the server has
 * delivered again because it was killed before it stored the report. */
static int report_again(struct get *get, struct held item)
{
	(void)natsConnection_PublishString(get->q->connection.nats, natsMsg_GetReply(item.message),
	                                   "+ACK");
	natsMsg_Destroy(item.message);
	get->has_again = true;
	return 0;
}

/* Gives the caller the items of a message that it has room for; the others become the rest. */
static int take_payload(struct get *get, const struct held *message)
{
	struct desk *desk = get->desk;
	char *to = get->items + get->got * get->q->settings.item_size;
	size_t room = get->max - get->got, got = message->n;
	char *all = got <= room ? to : desk_room(desk);
	int error = all ? payload_open(get->q, message, all) : fault(-ENOMEM, "no memory");

	if (error)
		return error;
	if (all != to) {
		desk->rest_first = 0;
		desk->rest_n = message->n;
		got = desk_take(desk, to, room);
	}
	desk_hold(desk, *message, got);
	get->got += got;
	return 0;
}

/* Adds the message to those that the thread holds, or sets it aside if it is invalid or was
 * delivered too often. If the caller does not want to see the items (get->items is NULL), the
 * thread holds it in both cases, and it counts as one item. A message that was reported before, or
 * a filler, is acknowledged again instead. */
static int take_item(struct get *get, struct held item)
{
	struct spmcq_remote *q = get->q;
	int error;

	if (log_has(q, item.position) || natsMsg_GetDataLength(item.message) == 0)
		return report_again(get, item);
	if (!get->items) {
		item.n = 1;
		desk_hold(get->desk, item, 1);
		get->got++;
		return 0;
	}
	if (item.deliveries > q->settings.options.max_deliveries)
		return set_aside(get, item);
	item.n = payload_count(q, item.message);
	error = take_payload(get, &item);
	if (error == 0)
		return 0;
	if (error != -EBADMSG)
		return give_up(get, item, error);
	get->desk->is_spoiled = true;
	return set_aside(get, item);
}

/* Takes the first n items of the inbox. Returns the first error. The server may have been restarted
 * since the get began, so this asks again which items were reported. */
static int take_items(struct get *get, size_t n)
{
	int unknown = n > 0 ? log_know(get->q) : 0, error = unknown;

	for (size_t i = 0; i < n; i++) {
		struct held item = get->desk->inbox->items[i];
		int one_error = unknown ? give_up(get, item, unknown) : take_item(get, item);

		error = error ? error : one_error;
	}
	return error;
}

/* Returns 1 if the queue is shut down and no item can come any more, else 0 or an error. */
static int get_is_over(struct get *get)
{
	struct spmcq_remote *q = get->q;
	size_t held = atomic_load(&q->held);
	struct consumer_state state;
	int error;

	if (!atomic_load(&q->is_closed))
		return 0;
	error = server_ask_consumer(q, &state);
	return error ? error : state.queued == 0 && state.held <= held;
}

/* Asks the server whether the queue is shut down, if a message has come to the bell since the last
 * time. */
static int get_look(struct get *get)
{
	unsigned rung = atomic_load(&get->q->connection.rung);
	struct stream_state state;
	int error;

	if (rung == atomic_load(&get->q->rung_seen))
		return 0;
	error = server_ask_stream(get->q, &state);
	if (error == 0)
		atomic_store(&get->q->rung_seen, rung);
	return error;
}

static bool pull_is_broken(struct get *get, unsigned lost)
{
	struct connection *connection = &get->q->connection;

	return atomic_load(&connection->lost) != lost ||
	       atomic_load(&connection->refused) != get->refused;
}

/* True if the get has no item yet and none can come any more. */
static bool pull_is_in_vain(struct get *get)
{
	return get->got == 0 && get_look(get) == 0 && atomic_load(&get->q->is_closed) &&
	       get_is_over(get) == 1;
}

/* Called when no item came for some time. Returns 0 to wait longer, 1 to stop waiting, or an
 * error. */
static int pull_nothing(struct get *get, struct limit stop)
{
	struct inbox *inbox = get->desk->inbox;
	int error;

	if (pull_is_broken(get, inbox->lost))
		return connection_fault(&get->q->connection, get->refused,
		                        fault(-ENOTCONN, "get: the connection was lost"));
	if (limit_is_over(inbox->until)) {
		error = pull_end_unasked(inbox);
		return error ? error : 1;
	}
	if (limit_is_over(stop))
		return 1;
	if (pull_is_in_vain(get))
		return fault(-ESHUTDOWN, "the queue is shut down and drained");
	return 0;
}

/* Asks for items, and takes those that come before the request ends. Returns 0 even if none came.
 */
static int pull(struct get *get, const struct pull *pull)
{
	int result = desk_listen(get->desk);
	struct inbox *inbox = get->desk->inbox;
	struct limit stop;
	int taken;

	if (result)
		return result;
	pull_want(inbox, pull->batch, get->limit);
	result = pull_begin(inbox, pull);
	stop = pull_limit(inbox, get->limit);
	while (result == 0) {
		result = pull_wait(inbox, stop);
		if (result == 0)
			result = pull_nothing(get, stop);
		else if (result < 0)
			result = pull_refused(inbox);
	}
	taken = take_items(get, pull_stop(inbox));
	return result < 0 ? result : taken;
}

/* Called only when there is no item to return. */
static int get_wait_for_server(struct get *get)
{
	struct connection *connection = &get->q->connection;

	while (!connection_is_up(connection)) {
		int error = fault(-ENOTCONN, "not connected");

		if (connection_is_dead(connection) || get->limit.once || limit_is_over(get->limit))
			return error;
		limit_sleep(get->limit, GET_NAP);
	}
	return 0;
}

static int64_t pull_time(const struct get *get)
{
	int64_t left = limit_left(get->limit);
	int64_t most = atomic_load(&get->q->is_closed) ? PULL_CLOSED : PULL_WAITING;

	if (get->limit.once || left < PULL_THERE)
		return PULL_THERE;
	return left < most ? left : most;
}

/* Called after an attempt that found no item. Returns 0 to try again. */
static int get_none(struct get *get)
{
	int over = get_look(get);

	if (over == 0)
		over = get_is_over(get);
	if (over == 1)
		return fault(-ESHUTDOWN, "the queue is shut down and drained");
	if (over < 0 && over != -ENOTCONN)
		return over;
	if (get->limit.once)
		return over < 0 ? over : fault(-EAGAIN, "empty");
	if (limit_is_over(get->limit))
		return over < 0 ? over : fault(-ETIMEDOUT, "empty");
	repair_look(get->q);
	return 0;
}

/* Takes the items that are queued, or waits for one. There is one case in which the server refuses
 * a request for several items: consumers hold as many items as max_unacknowledged allows, more are
 * queued, and other gets wait. Then this sends a request for one item, which may wait. */
static int get_some(struct get *get)
{
	int error = pull(get, &(struct pull){get->batch, pull_time(get), get->limit.once});

	if (error == 0 && get->got == 0 && !get->has_again && !get->desk->is_spoiled &&
	    get->batch > 1 && !get->limit.once)
		error = pull(get, &(struct pull){1, pull_time(get), false});
	return error;
}

static int get_all(struct get *get)
{
	int error;

	do {
		error = get_wait_for_server(get);
		if (error)
			return error;
		get->has_again = false;
		error = log_know(get->q);
		if (error == 0)
			error = get_some(get);
		if (get->got > 0 || get->desk->is_spoiled)
			return 0;
		if (error == 0 && get->has_again && !limit_is_over(get->limit))
			continue;
		if (error && error != -ENOTCONN)
			return error;
		if (error && (get->limit.once || limit_is_over(get->limit)))
			return error;
		if (error)
			limit_sleep(get->limit, GET_NAP);
		error = get_none(get);
	} while (error == 0);
	return error;
}

/* Takes items of the rest. A get that finds a rest does not ask the server. */
static ssize_t get_rest(struct desk *desk, void *items, size_t max)
{
	size_t n = desk_take(desk, items, max);

	desk->items += n;
	return (ssize_t)n;
}

/* items: NULL if the caller only wants to hold up to max messages, not to see their items. */
INTERNAL ssize_t get_with(struct desk *desk, void *items, size_t max, struct limit limit)
{
	size_t batch = items ? messages_for(desk->q, max) : max;
	struct get get = {.q = desk->q,
	                  .desk = desk,
	                  .items = items,
	                  .max = max,
	                  .batch = batch < RUN_MOST ? batch : RUN_MOST,
	                  .limit = limit,
	                  .refused = atomic_load(&desk->q->connection.refused)};
	int error;

	if (desk->rest_n > 0)
		return get_rest(desk, items, max);
	error = desk_reserve(desk, get.batch);
	if (error == 0 && !desk->is_spoiled)
		error = get_all(&get);
	if (error == 0 && get.got == 0) {
		desk->is_spoiled = false;
		error = fault(-EBADMSG, "a message was no item of this queue, and was set aside");
	}
	return error ? error : (ssize_t)get.got;
}

static ssize_t get_limited(struct spmcq_remote *q, void *items, size_t max, struct limit limit)
{
	struct desk *desk;
	ssize_t n;

	atomic_fetch_add(&q->inside, 1);
	desk = desk_of(q);
	n = desk ? get_with(desk, items, max, limit) : -ENOMEM;
	atomic_fetch_sub(&q->inside, 1);
	return n;
}

static ssize_t get_checked(struct spmcq_remote *q, void *items, size_t max, struct limit limit)
{
	if (!q || !items || max == 0)
		return fault(-EINVAL, "no queue, or no room for items");
	return get_limited(q, items, max, limit);
}

int spmcq_remote_get(struct spmcq_remote *q, void *item)
{
	return one(get_checked(q, item, 1, limit_never));
}

int spmcq_remote_try_get(struct spmcq_remote *q, void *item)
{
	return one(get_checked(q, item, 1, limit_try));
}

int spmcq_remote_get_until(struct spmcq_remote *q, void *item, const struct timespec *deadline)
{
	if (!limit_is_valid(deadline))
		return bad_deadline();
	return one(get_checked(q, item, 1, limit_of(deadline)));
}

ssize_t spmcq_remote_get_many(struct spmcq_remote *q, void *items, size_t max)
{
	return get_checked(q, items, max, limit_never);
}

ssize_t spmcq_remote_try_get_many(struct spmcq_remote *q, void *items, size_t max)
{
	return get_checked(q, items, max, limit_try);
}

ssize_t spmcq_remote_get_many_until(struct spmcq_remote *q, void *items, size_t max,
                                    const struct timespec *deadline)
{
	if (!limit_is_valid(deadline))
		return bad_deadline();
	return get_checked(q, items, max, limit_of(deadline));
}
