/*
 * One request for items. It asks the server for up to `batch` items, and is open at the server for
 * the time `expires`. It ends, for both sides, when all these items were sent, or when the server
 * sends the message that no more items are there or that the time is over. That message can be late
 * or lost. Then the answer to a later question shows that the request has ended, because the time
 * is over and the server answers in order.
 *
 * If a request asks for several items, the server waits until one is there, sends the items that
 * are there, and ends the request (`no_wait` together with `expires`). In one case the server does
 * not end it: consumers hold as many items as max_unacknowledged allows. So a get that has some
 * items does not wait longer than LOOK for more.
 */
#include "remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* How long after its time a request may take to end: a round trip, and the delay of a busy
 * server. */
#define PULL_GRACE (20 * MS)
/* Time between two checks of the bell, the connection and the items that have come. */
#define LOOK (20 * MS)

struct pull {
	size_t batch;
	int64_t expires; /* nanoseconds */
	bool once;       /* a try_ call */
};

/* True if items may still come by requests that were sent before. */
static bool pull_is_open(struct inbox *inbox)
{
	bool is_open;

	pthread_mutex_lock(&inbox->lock);
	is_open = inbox->missing > 0;
	pthread_mutex_unlock(&inbox->lock);
	return is_open && inbox->lost == atomic_load(&inbox->q->connection.lost);
}

/* The request's time is over, and the server has not said that the request has ended. This asks the
 * server something. Its answer comes after all items that it had sent for the request. */
static int pull_end_unasked(struct inbox *inbox)
{
	struct spmcq_remote *q = inbox->q;
	int error = fault_of(
	        "get",
	        natsConnection_FlushTimeout(q->connection.nats, q->settings.options.answer_ms), 0);
	struct consumer_state state;

	if (error == 0)
		/* If the queue is gone, no message about the request will come. */
		error = server_ask_consumer(q, &state);
	if (error)
		return error;
	pthread_mutex_lock(&inbox->lock);
	if (inbox->missing > 0)
		(void)inbox_wait(inbox, now_ns() + PULL_THERE);
	inbox->has_ended = true;
	if (limit_is_over(inbox->open_until))
		inbox->missing = 0;
	pthread_mutex_unlock(&inbox->lock);
	return 0;
}

/* From now on the inbox takes items for this get. Before that, the server must have confirmed the
 * items that were given back, because it delivers these first. This waits for the confirmation at
 * most for answer_ms. */
static void pull_want(struct inbox *inbox, size_t n, struct limit limit)
{
	struct limit patience = limit_in(inbox->q->settings.options.answer_ms * MS);

	if (limit.at > patience.at)
		limit = patience;
	pthread_mutex_lock(&inbox->lock);
	while (inbox->returned > 0 && !limit_is_over(limit))
		(void)inbox_wait(inbox, limit.at);
	inbox->returned = 0;
	inbox->wanted = n;
	pthread_cond_broadcast(&inbox->change);
	pthread_mutex_unlock(&inbox->lock);
}

/* Ends the get. Returns how many items have come. */
static size_t pull_stop(struct inbox *inbox)
{
	size_t n;

	pthread_mutex_lock(&inbox->lock);
	n = inbox->n;
	inbox->wanted = inbox->n = 0;
	if (inbox->missing > 0 && inbox->life < inbox->expires)
		inbox->life = inbox->expires;
	pthread_mutex_unlock(&inbox->lock);
	return n;
}

/* Numbers a new request. Returns how many items it asks for: those that the get wants and that have
 * not come, without those that open requests may still bring. A get that does not wait asks for the
 * latter, too. Returns 0 if no request is needed. */
static size_t pull_number(struct inbox *inbox, bool once)
{
	size_t more;

	pthread_mutex_lock(&inbox->lock);
	more = inbox->wanted - inbox->n;
	if (!once)
		more -= inbox->missing < more ? inbox->missing : more;
	if (more > 0) {
		inbox->request++;
		inbox->batch = more;
		inbox->missing += more;
		inbox->has_ended = false;
		inbox->end[0] = '\0';
	}
	pthread_mutex_unlock(&inbox->lock);
	return more;
}

static int pull_send(struct inbox *inbox, const struct pull *pull)
{
	struct connection *connection = &inbox->q->connection;
	size_t batch = pull_number(inbox, pull->once);
	char body[96], reply[PLACE_MOST];
	natsStatus status;

	if (batch == 0)
		return 0;
	inbox->lost = atomic_load(&connection->lost);
	inbox->expires = pull->expires;
	inbox->until = limit_in(pull->expires + PULL_GRACE);
	if (inbox->open_until.at < inbox->until.at)
		inbox->open_until = inbox->until;
	snprintf(reply, sizeof(reply), "%s.%u", inbox->name, inbox->request);
	snprintf(body, sizeof(body), "{\"batch\":%zu,\"expires\":%" PRId64 "%s}", batch,
	         pull->expires, pull->once || batch > 1 ? ",\"no_wait\":true" : "");
	status = natsConnection_PublishRequestString(connection->nats, inbox->q->places.next, reply,
	                                             body);
	return fault_of("get", status, 0);
}

/* Requests that were lost with the connection bring no items. */
static void pull_forget(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->missing = 0;
	pthread_mutex_unlock(&inbox->lock);
}

/* Sends a request. Before that it ends earlier requests whose time is over, so that they do not
 * accumulate while the network is cut. */
static int pull_begin(struct inbox *inbox, const struct pull *pull)
{
	int error = 0;

	if (!pull_is_open(inbox))
		pull_forget(inbox);
	else if (limit_is_over(inbox->open_until))
		error = pull_end_unasked(inbox);
	return error ? error : pull_send(inbox, pull);
}

/* Called when the server has refused the request. Asks whether the queue is still there. */
static int pull_refused(struct inbox *inbox)
{
	struct consumer_state state;
	char end[sizeof(inbox->end)];
	int error = server_ask_consumer(inbox->q, &state);

	pthread_mutex_lock(&inbox->lock);
	memcpy(end, inbox->end, sizeof(end));
	pthread_mutex_unlock(&inbox->lock);
	return error ? error : fault(-ENOTCONN, "get: %s", end);
}

/* Returns the time until which a get waits for its request. */
static struct limit pull_limit(const struct inbox *inbox, struct limit limit)
{
	if (!limit.once && limit.at < inbox->until.at - PULL_GRACE)
		return (struct limit){.at = limit.at + PULL_GRACE};
	return inbox->until;
}

/* Waits for LOOK at most. Returns 1 when all items have come, when the request has ended, or when
 * some items have come and no more came in that time; 0 when nothing has come yet, or more came in
 * that time; -1 when the request has ended and was refused. */
static int pull_wait(struct inbox *inbox, struct limit stop)
{
	size_t before;
	int64_t until = now_ns() + LOOK;
	int result = 1;

	if (until > stop.at)
		until = stop.at;
	pthread_mutex_lock(&inbox->lock);
	before = inbox->n;
	while (inbox->n < inbox->wanted && inbox->missing > 0 && !inbox->has_ended &&
	       inbox_wait(inbox, until))
		;
	if (inbox->n < inbox->wanted && inbox->end[0])
		result = -1;
	else if (inbox->n < inbox->wanted && inbox->missing > 0 && !inbox->has_ended)
		result = before > 0 && before == inbox->n;
	pthread_mutex_unlock(&inbox->lock);
	return result;
}
