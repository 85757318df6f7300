/*
 * One request for items. It asks the server for up to this many within this time, and comes to an
 * end that both sides know: all of them, or a message that says that the time is over. That message
 * does not always come, or it comes late: then a round trip after the time shows the same.
 */
#include "remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* After its time a request should have come to its end: a round trip, and a busy server. */
#define PULL_GRACE (20 * MS)
/* Between looks at the bell and the connection. */
#define LOOK (100 * MS)

struct pull {
	size_t batch;
	int64_t expires; /* nanoseconds */
	bool there;      /* asks for what is there, and does not wait for more */
};

/* Whether the end of the newest request is not known. */
static bool pull_is_open(struct inbox *inbox)
{
	bool is_open;

	pthread_mutex_lock(&inbox->lock);
	is_open = inbox->missing > 0;
	pthread_mutex_unlock(&inbox->lock);
	return is_open && inbox->lost == atomic_load(&inbox->q->connection.lost);
}

/* The request's time is over, and the server has not said so. All that it had sent before it
 * answers us now is in the inbox then. */
static int pull_end_unasked(struct inbox *inbox)
{
	struct spmcq_remote *q = inbox->q;
	int error = fault_of(
	        "get",
	        natsConnection_FlushTimeout(q->connection.nats, q->settings.options.answer_ms), 0);
	struct consumer_state state;

	if (error == 0)
		error = server_ask_consumer(q, &state); /* or is there nobody that could say so? */
	if (error)
		return error;
	pthread_mutex_lock(&inbox->lock);
	if (inbox->missing > 0)
		(void)inbox_wait(inbox, now_ns() + PULL_THERE);
	inbox->missing = 0;
	pthread_mutex_unlock(&inbox->lock);
	return 0;
}

/* From now on the inbox takes items for this get. */
static void pull_want(struct inbox *inbox, size_t n)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->wanted = n;
	pthread_mutex_unlock(&inbox->lock);
}

/* Returns how many items have come. */
static size_t pull_stop(struct inbox *inbox)
{
	size_t n;

	pthread_mutex_lock(&inbox->lock);
	n = inbox->n;
	inbox->wanted = inbox->n = 0;
	pthread_mutex_unlock(&inbox->lock);
	return n;
}

/* The flush makes the request go out at once. Its answer comes back with the first items. */
static int pull_send(struct inbox *inbox, const struct pull *pull)
{
	struct connection *connection = &inbox->q->connection;
	char body[96], reply[PLACE_MOST];
	natsStatus status;

	pthread_mutex_lock(&inbox->lock);
	inbox->request++;
	inbox->missing = pull->batch;
	inbox->end[0] = '\0';
	pthread_mutex_unlock(&inbox->lock);
	inbox->lost = atomic_load(&connection->lost);
	inbox->until = limit_in(pull->expires + PULL_GRACE);
	snprintf(reply, sizeof(reply), "%s.%u", inbox->name, inbox->request);
	snprintf(body, sizeof(body), "{\"batch\":%zu,\"expires\":%" PRId64 "%s}", pull->batch,
	         pull->expires, pull->there ? ",\"no_wait\":true" : "");
	status = natsConnection_PublishRequestString(connection->nats, inbox->q->places.next, reply,
	                                             body);
	if (status == NATS_OK)
		status = natsConnection_FlushTimeout(connection->nats,
		                                     inbox->q->settings.options.answer_ms);
	return fault_of("get", status, 0);
}

/* While the network is cut requests do not pile up. */
static int pull_begin(struct inbox *inbox, const struct pull *pull)
{
	int error = 0;

	if (pull_is_open(inbox) && limit_is_over(inbox->until))
		error = pull_end_unasked(inbox);
	return error ? error : pull_send(inbox, pull);
}

/* The server says that it did not take the request: does it know the queue? */
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

/* Waits for a look's time at most. Returns 1 when all has come or the request has ended, 0 when
 * there is nothing yet, -1 when it has ended and was refused. */
static int pull_wait(struct inbox *inbox)
{
	int64_t until = now_ns() + LOOK;
	int result;

	if (until > inbox->until.at)
		until = inbox->until.at;
	pthread_mutex_lock(&inbox->lock);
	while (inbox->n < inbox->wanted && inbox->missing > 0 && inbox_wait(inbox, until))
		;
	if (inbox->n == inbox->wanted)
		result = 1;
	else if (inbox->missing > 0)
		result = 0;
	else
		result = inbox->end[0] ? -1 : 1;
	pthread_mutex_unlock(&inbox->lock);
	return result;
}
