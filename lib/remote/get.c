/*
 * Getting. A request asks the server for up to so many items within so much time, and comes to an
 * end that both sides know: all of them, or a message that says that the time is over. So no item
 * is sent to a thread that has turned away. Where that message does not come, an item may come
 * late: it stays in the thread's inbox for its next get. When the connection breaks the thread
 * moves to another inbox, and what was under way comes again.
 */
#include "remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request for what is there takes so long at most; those that wait ask anew after so long, as a
 * server that fails over forgets them; and after shutdown they look this often whether what others
 * hold is done. */
#define PULL_THERE (2 * MS)
#define PULL_WAITING (2 * SECOND)
#define PULL_CLOSED (10 * MS)
/* After that time a request should have come to its end: a round trip, and a busy server. */
#define PULL_GRACE (20 * MS)
/* Between looks at the bell and the connection. */
enum { LOOK_MS = 100 };

struct get {
	struct spmcq_remote *q;
	struct desk *desk;
	char *items;
	size_t max, got;
	struct limit limit;
	unsigned refused; /* times that the server had refused a subject when the call began */
};

/* Moves it to its own stream, then acknowledges it. If either fails it comes again, and is known
 * there by its id. */
static void set_aside(struct get *get, natsMsg *message, uint64_t position)
{
	struct spmcq_remote *q = get->q;
	jsPubOptions options;
	natsMsg *answer = NULL;
	char id[ID_MOST];

	snprintf(id, sizeof(id), "aside-%" PRIu64, position);
	jsPubOptions_Init(&options);
	options.MsgId = id;
	if (js_Publish(NULL, q->connection.js, q->places.aside_item, natsMsg_GetData(message),
	               natsMsg_GetDataLength(message), &options, NULL) == NATS_OK &&
	    natsConnection_RequestString(&answer, q->connection.nats, natsMsg_GetReply(message),
	                                 "+TERM", q->settings.options.answer_ms) == NATS_OK)
		natsMsg_Destroy(answer);
}

/* An item that is good is held; any other is set aside. */
static void take_item(struct get *get, natsMsg *message)
{
	struct spmcq_remote *q = get->q;
	size_t item_size = q->settings.item_size;
	unsigned deliveries;
	uint64_t position;

	if (!read_reply(natsMsg_GetReply(message), &deliveries, &position)) {
		natsMsg_Destroy(message);
		return;
	}
	if (deliveries > q->settings.options.max_deliveries ||
	    !payload_open(get->items + get->got * item_size, message, item_size)) {
		set_aside(get, message, position);
		natsMsg_Destroy(message);
		return;
	}
	desk_hold(get->desk, message, position, deliveries);
	get->got++;
}

static bool is_status(natsMsg *message)
{
	const char *status;

	return natsMsgHeader_Get(message, "Status", &status) == NATS_OK;
}

/* Of the newest request; those of earlier ones may come late. */
static bool is_current(const struct desk *desk, natsMsg *message)
{
	const char *subject = natsMsg_GetSubject(message);
	size_t prefix = strlen(desk->inbox) + 1;

	return strlen(subject) > prefix && strtoul(subject + prefix, NULL, 10) == desk->request;
}

/* The end of a request: its time is over, or there is nothing. Any other means that it was not
 * taken. Frees the message. */
static int end_of(struct get *get, natsMsg *message)
{
	const char *status = "", *text = "";
	struct consumer_state state;
	int error = 0;

	(void)natsMsgHeader_Get(message, "Status", &status);
	(void)natsMsgHeader_Get(message, "Description", &text);
	if (strcmp(status, "408") != 0 && strcmp(status, "404") != 0) {
		error = server_ask_consumer(get->q, &state);
		if (error == 0)
			error = fault(-ENOTCONN, "get: %s %s", status, text);
	}
	natsMsg_Destroy(message);
	return error;
}

/* Shut down, and nothing is left that could come: 1, else 0, or an error. */
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

/* Whether the queue has been shut down, if the bell rang. */
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

static int pull_send(struct get *get, size_t batch, int64_t expires)
{
	char body[80], reply[PLACE_MOST];
	int error = desk_listen(get->desk);

	if (error)
		return error;
	snprintf(reply, sizeof(reply), "%s.%u", get->desk->inbox, ++get->desk->request);
	snprintf(body, sizeof(body), "{\"batch\":%zu,\"expires\":%" PRId64 "}", batch, expires);
	return fault_of("get",
	                natsConnection_PublishRequestString(get->q->connection.nats,
	                                                    get->q->places.next, reply, body),
	                0);
}

static bool pull_is_broken(struct get *get, unsigned lost)
{
	struct connection *connection = &get->q->connection;

	return atomic_load(&connection->lost) != lost ||
	       atomic_load(&connection->refused) != get->refused;
}

/* Whether waiting any longer is in vain, for those who still wait for a first item. */
static bool pull_is_in_vain(struct get *get)
{
	return get->got == 0 && get_look(get) == 0 && atomic_load(&get->q->is_closed) &&
	       get_is_over(get) == 1;
}

/* What has come in an open request: 0 to go on, 1 at its end, or an error. */
static int pull_take(struct get *get, natsMsg *message, size_t *missing)
{
	int error;

	if (!is_status(message)) {
		take_item(get, message);
		return --*missing == 0;
	}
	if (!is_current(get->desk, message)) {
		natsMsg_Destroy(message);
		return 0;
	}
	error = end_of(get, message);
	return error ? error : 1;
}

/* The request's time is over, and the server has not said so: it does not always, or it is late.
 * What it had sent before it answers us now is here then; the rest is for the next get. */
static int pull_end_unasked(struct get *get, size_t *missing)
{
	struct spmcq_remote *q = get->q;
	natsStatus status =
	        natsConnection_FlushTimeout(q->connection.nats, q->settings.options.answer_ms);
	struct consumer_state state;
	natsMsg *message;
	int end = 0;

	while (status == NATS_OK && end == 0) {
		status = natsSubscription_NextMsg(&message, get->desk->arrivals, 1);
		if (status == NATS_OK)
			end = pull_take(get, message, missing);
	}
	if (end < 0)
		return end;
	if (status != NATS_OK && status != NATS_TIMEOUT)
		return fault_of("get", status, 0);
	end = server_ask_consumer(q, &state); /* or is there nobody that could say so? */
	return end ? end : 1;
}

/* No more than a look takes, and no longer than until it should have ended. */
static int64_t pull_nap_ms(struct limit end)
{
	int64_t left = limit_left(end) / MS + 1;

	return left < LOOK_MS ? left : LOOK_MS;
}

/* Nothing came for a while: as pull_take(). */
static int pull_nothing(struct get *get, struct limit end, unsigned lost, size_t *missing)
{
	if (pull_is_broken(get, lost))
		return connection_fault(&get->q->connection, get->refused,
		                        fault(-ENOTCONN, "get: the connection was lost"));
	if (limit_is_over(end))
		return pull_end_unasked(get, missing);
	if (pull_is_in_vain(get))
		return fault(-ESHUTDOWN, "the queue is shut down and drained");
	return 0;
}

/* Asks for batch items, and takes what comes until the request's end. Returns 0 also for none. */
static int pull(struct get *get, size_t batch, int64_t expires)
{
	unsigned lost = atomic_load(&get->q->connection.lost);
	struct limit end = limit_in(expires + PULL_GRACE);
	int result = pull_send(get, batch, expires);
	size_t missing = batch;

	while (result == 0) {
		natsMsg *message;
		natsStatus status =
		        natsSubscription_NextMsg(&message, get->desk->arrivals, pull_nap_ms(end));

		if (status == NATS_OK)
			result = pull_take(get, message, &missing);
		else if (status == NATS_TIMEOUT)
			result = pull_nothing(get, end, lost, &missing);
		else
			result = fault_of("get", status, 0);
	}
	if (result < 0)
		desk_move(get->desk);
	return result < 0 ? result : 0;
}

/* Without an item. */
static int get_wait_for_server(struct get *get)
{
	struct connection *connection = &get->q->connection;

	while (!connection_is_up(connection)) {
		int error = fault(-ENOTCONN, "not connected");

		if (connection_is_dead(connection) || get->limit.once || limit_is_over(get->limit))
			return error;
		limit_sleep(get->limit, LOOK_MS * MS);
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

/* One try that found nothing: 0 to go on. */
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
	return 0;
}

/* What is there; or the first that comes, and what is there then. */
static int get_some(struct get *get)
{
	int error = 0;

	if (get->max > 1)
		error = pull(get, get->max, PULL_THERE);
	if (error == 0 && get->got == 0 && !(get->max > 1 && get->limit.once)) {
		error = pull(get, 1, pull_time(get));
		if (error == 0 && get->got == 1 && get->max > 1)
			error = pull(get, get->max - 1, PULL_THERE);
	}
	return error;
}

static int get_all(struct get *get)
{
	int error;

	do {
		error = get_wait_for_server(get);
		if (error)
			return error;
		error = log_mend(get->q);
		if (error == 0)
			error = get_some(get);
		if (get->got > 0)
			return 0;
		if (error && error != -ENOTCONN)
			return error;
		if (error && (get->limit.once || limit_is_over(get->limit)))
			return error;
		if (error)
			limit_sleep(get->limit, LOOK_MS * MS);
		error = get_none(get);
	} while (error == 0);
	return error;
}

static ssize_t get_limited(struct spmcq_remote *q, void *items, size_t max, struct limit limit)
{
	struct get get = {.q = q,
	                  .items = items,
	                  .max = max < RUN_MOST ? max : RUN_MOST,
	                  .limit = limit,
	                  .refused = atomic_load(&q->connection.refused)};
	int error;

	atomic_fetch_add(&q->inside, 1);
	get.desk = desk_of(q);
	error = get.desk ? desk_reserve(get.desk, get.max) : -ENOMEM;
	if (error == 0)
		error = get_all(&get);
	atomic_fetch_sub(&q->inside, 1);
	return error ? error : (ssize_t)get.got;
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
