/*
 * A thread's inbox: where the items arrive that it asks the server for.
 *
 * A request can outlive the get that sent it: the network was cut meanwhile, or the server was
 * slow. It may then take an item out of the queue for a thread that does not wait any more. So a
 * thread has one inbox for as long as it lives, whatever becomes of its connection, and what
 * arrives there is never left lying. If a get is going on, it takes the item, in the order in which
 * the server sent it. If none is, the item is given back, and the server delivers it again at once,
 * before all that it has not delivered yet. The next get does not ask for anything until the server
 * has confirmed that.
 *
 * Messages are sent to NAME.NUMBER. NUMBER is that of the request, or 0: the server's answer to
 * what was given back. Items do not say by which request they come, and need not: they come in
 * order.
 */
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a request for what is there stays open at the server. */
#define PULL_THERE (2 * MS)
/* A request for several items that is still open would get again what is given back to it. This is
 * longer than it stays open. */
#define GIVE_BACK_AFTER (5 * PULL_THERE)

struct inbox {
	struct spmcq_remote *q;
	natsInbox *name;
	natsSubscription *arrivals;
	size_t prefix; /* bytes of a subject before NUMBER */
	pthread_mutex_t lock;
	pthread_cond_t
	        change; /* wanted items are there, or the request has ended, or returned is 0 */

	/* Guarded by lock. */
	struct held items[RUN_MOST]; /* have arrived for the get that is going on, by position */
	size_t n;
	size_t wanted;    /* items that the get takes; 0: no get is going on */
	unsigned request; /* the number of the newest request */
	size_t missing;   /* items that it may still bring; 0: it has ended */
	char end[64];     /* why the server ended it, if that is an error; "": it is none */
	unsigned late;    /* the newest request when an item came late, the last time */
	size_t returned;  /* items that were given back, and the server has not confirmed it */

	/* The owning thread's. */
	unsigned lost;      /* connection.lost when the newest request was sent */
	struct limit until; /* when that request should have ended */
};

/* The lock is held. The server's confirmation comes to number 0. */
static void give_back(struct inbox *inbox, natsMsg *message)
{
	char reply[PLACE_MOST];

	snprintf(reply, sizeof(reply), "%s.0", inbox->name);
	if (natsConnection_PublishRequestString(
	            inbox->q->connection.nats, natsMsg_GetReply(message), reply, "-NAK") == NATS_OK)
		inbox->returned++;
	natsMsg_Destroy(message);
}

/* The lock is held, and released for a while. Waits until the newest request has ended. */
static void await_end(struct inbox *inbox)
{
	if (inbox->late == inbox->request || inbox->missing == 0)
		return;
	inbox->late = inbox->request;
	pthread_mutex_unlock(&inbox->lock);
	limit_sleep(limit_never, GIVE_BACK_AFTER);
	pthread_mutex_lock(&inbox->lock);
}

/* The lock is held. Items come in order, except one that is delivered again. */
static void put_in_order(struct inbox *inbox, struct held item)
{
	size_t i = inbox->n++;

	for (; i > 0 && inbox->items[i - 1].position > item.position; i--)
		inbox->items[i] = inbox->items[i - 1];
	inbox->items[i] = item;
}

/* The lock is held. */
static void take_in(struct inbox *inbox, natsMsg *message)
{
	struct held item = {.message = message};

	inbox->missing -= inbox->missing > 0;
	if (inbox->n == inbox->wanted)
		await_end(inbox);
	if (!read_reply(natsMsg_GetReply(message), &item.deliveries, &item.position))
		natsMsg_Destroy(message); /* not from the stream */
	else if (inbox->n < inbox->wanted)
		put_in_order(inbox, item);
	else
		give_back(inbox, message);
}

/* The lock is held. 408 means that the time is over, 404 that there is nothing. */
static void note_end(struct inbox *inbox, natsMsg *message)
{
	const char *status = "", *text = "";

	(void)natsMsgHeader_Get(message, "Status", &status);
	(void)natsMsgHeader_Get(message, "Description", &text);
	if (strcmp(status, "408") != 0 && strcmp(status, "404") != 0)
		snprintf(inbox->end, sizeof(inbox->end), "%s %s", status, text);
	inbox->missing = 0;
}

/* The lock is held. */
static void note_answer(struct inbox *inbox, natsMsg *message)
{
	unsigned long number = strtoul(natsMsg_GetSubject(message) + inbox->prefix, NULL, 10);

	if (number == inbox->request)
		note_end(inbox, message);
	else if (number == 0 && inbox->returned > 0)
		inbox->returned--;
	natsMsg_Destroy(message);
}

/* Called by a thread of the client library. Items name a subject for their acknowledgement, other
 * messages do not. */
static void on_arrival(natsConnection *nats, natsSubscription *arrivals, natsMsg *message,
                       void *closure)
{
	struct inbox *inbox = closure;

	(void)nats;
	(void)arrivals;
	pthread_mutex_lock(&inbox->lock);
	if (natsMsg_GetReply(message))
		take_in(inbox, message);
	else
		note_answer(inbox, message);
	if (inbox->n == inbox->wanted || inbox->missing == 0)
		pthread_cond_signal(&inbox->change);
	pthread_mutex_unlock(&inbox->lock);
}

/* The last call for an inbox. */
static void on_inbox_end(void *closure)
{
	struct inbox *inbox = closure;
	struct connection *connection = &inbox->q->connection;

	for (size_t i = 0; i < inbox->n; i++)
		natsMsg_Destroy(inbox->items[i].message);
	natsInbox_Destroy(inbox->name);
	pthread_cond_destroy(&inbox->change);
	pthread_mutex_destroy(&inbox->lock);
	free(inbox);
	connection_end_caller(connection);
}

static natsStatus inbox_subscribe(struct inbox *inbox)
{
	char subject[PLACE_MOST];
	natsStatus status = natsInbox_Create(&inbox->name);

	if (status != NATS_OK)
		return status;
	inbox->prefix = (size_t)snprintf(subject, sizeof(subject), "%s.", inbox->name);
	strcpy(subject + inbox->prefix, "*");
	status = natsConnection_Subscribe(&inbox->arrivals, inbox->q->connection.nats, subject,
	                                  on_arrival, inbox);
	if (status != NATS_OK)
		return status;
	status = natsSubscription_SetOnCompleteCB(inbox->arrivals, on_inbox_end, inbox);
	if (status == NATS_OK)
		(void)natsSubscription_SetPendingLimits(inbox->arrivals, -1, -1);
	else
		natsSubscription_Destroy(inbox->arrivals);
	return status;
}

INTERNAL int inbox_open(struct inbox **out, struct spmcq_remote *q)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	pthread_condattr_t monotonic;
	natsStatus status;

	if (!inbox)
		return fault(-ENOMEM, "no memory");
	inbox->q = q;
	pthread_mutex_init(&inbox->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&inbox->change, &monotonic);
	pthread_condattr_destroy(&monotonic);
	connection_add_caller(&q->connection);
	status = inbox_subscribe(inbox);
	if (status == NATS_OK)
		*out = inbox;
	else
		on_inbox_end(inbox);
	return fault_of("subscribe", status, 0);
}

/* An open request may still bring an item. If there is one, this waits until the server knows that
 * nobody listens any more, and gives back the items that came until then. */
INTERNAL void inbox_close(struct inbox *inbox)
{
	natsSubscription *arrivals = inbox->arrivals;
	bool is_open;

	pthread_mutex_lock(&inbox->lock);
	is_open = inbox->missing > 0;
	pthread_mutex_unlock(&inbox->lock);
	if (is_open && connection_is_up(&inbox->q->connection) &&
	    natsSubscription_DrainTimeout(arrivals, LINGER_MS) == NATS_OK)
		(void)natsSubscription_WaitForDrainCompletion(arrivals, LINGER_MS);
	natsSubscription_Destroy(arrivals); /* the inbox itself goes with the last call for it */
}

/* The lock is held. Returns true after a change, false if there was none until that time. */
static bool inbox_wait(struct inbox *inbox, int64_t until)
{
	struct timespec at = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};

	return pthread_cond_timedwait(&inbox->change, &inbox->lock, &at) == 0;
}

/* Waits until the server has confirmed what was given back, for as long as answers take. */
INTERNAL void inbox_settle(struct inbox *inbox, struct limit limit)
{
	struct limit patience = limit_in(inbox->q->settings.options.answer_ms * MS);

	if (limit.at > patience.at)
		limit = patience;
	pthread_mutex_lock(&inbox->lock);
	while (inbox->returned > 0 && !limit_is_over(limit))
		(void)inbox_wait(inbox, limit.at);
	inbox->returned = 0;
	pthread_mutex_unlock(&inbox->lock);
}
