/*
 * A thread's inbox: a subject and a subscription, to which the server sends the items that the
 * thread has requested.
 *
 * A request can outlive the get that sent it, because the network was cut meanwhile or the server
 * was slow. The server may then take an item out of the queue for a thread that does not wait any
 * more. So a thread has one inbox in a handle until the thread or the handle ends, also when the
 * connection is made again, and every item that arrives there is either taken or given back. If a
 * get is in progress, it takes the item, in the order in which the server sent the items. If no get
 * is in progress, the item is given back. The server then delivers it again at once, before all
 * items that it has not delivered yet; the next get sends no request until the server has confirmed
 * that the item was given back, or until the time of an answer (answer_ms) has passed.
 *
 * Messages are sent to NAME.NUMBER. NUMBER is the number of the request, or 0 for the server's
 * confirmation that an item was given back. An item does not say which request it answers. It need
 * not: items come in order.
 */
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a request that does not wait for items is open at the server. */
#define PULL_THERE (2 * MS)
/* An item that comes when no get is in progress is given back when all requests that may still be
 * open have ended, and this time has passed. */
#define GIVE_BACK_GRACE (10 * MS)

struct inbox {
	struct spmcq_remote *q;
	natsInbox *name;
	natsSubscription *arrivals;
	size_t prefix; /* length of the part of a subject before NUMBER */
	pthread_mutex_t lock;
	pthread_cond_t change; /* n == wanted, has_ended, missing == 0 or returned == 0 */

	/* Guarded by lock. */
	/* The items that have arrived for the get in progress, by position. */
	struct held items[RUN_MOST];
	size_t n;
	size_t wanted;    /* how many items the get in progress takes; 0: no get is in progress */
	unsigned request; /* the number of the newest request */
	size_t batch;     /* how many items that request asks for */
	bool has_ended;   /* that request has ended */
	char end[64];     /* why that request ended, if the server names an error; else "" */
	size_t missing;   /* how many items may still come, for all requests together */
	/* The longest time for which requests of gets that have returned may be open; 0: none is.
	 */
	int64_t life;
	size_t returned; /* how many items were given back without a confirmation so far */

	/* Used by the owning thread only. */
	unsigned lost;           /* connection.lost when the newest request was sent */
	struct limit until;      /* when the newest request should have ended */
	struct limit open_until; /* when all requests should have ended */
	int64_t expires;         /* how long the newest request is open at the server */
};

/* The lock is held. The server sends its confirmation to NAME.0. */
static void give_back(struct inbox *inbox, natsMsg *message)
{
	char reply[PLACE_MOST];

	snprintf(reply, sizeof(reply), "%s.0", inbox->name);
	if (natsConnection_PublishRequestString(
	            inbox->q->connection.nats, natsMsg_GetReply(message), reply, "-NAK") == NATS_OK)
		inbox->returned++;
	natsMsg_Destroy(message);
}

/* Returns true if there was a change before that time. The lock is held. */
static bool inbox_wait(struct inbox *inbox, int64_t until)
{
	struct timespec at = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};

	return pthread_cond_timedwait(&inbox->change, &inbox->lock, &at) == 0;
}

/* The lock is held. Waits until a get begins, or until no request of this inbox is open any more.
 * If an item were given back while a request is open, the server would send it for that request,
 * after items that are newer. */
static void await_get(struct inbox *inbox)
{
	int64_t half = inbox->q->settings.options.ack_wait_ms * MS / 2;
	int64_t nap = inbox->life + GIVE_BACK_GRACE;
	int64_t until = now_ns() + (nap < half ? nap : half);

	while (inbox->n == inbox->wanted && inbox->life > 0 && inbox_wait(inbox, until))
		;
	if (inbox->n == inbox->wanted)
		inbox->life = 0;
}

/* The lock is held. Items come in order, except an item that is delivered again. */
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
	if (inbox->n == inbox->wanted && inbox->life > 0)
		await_get(inbox);
	if (!read_reply(natsMsg_GetReply(message), &item.deliveries, &item.position))
		natsMsg_Destroy(message); /* not from the stream */
	else if (inbox->n < inbox->wanted)
		put_in_order(inbox, item);
	else
		give_back(inbox, message);
}

/* The lock is held. Subtracts the items that a request that has ended did not bring. */
static void note_missing(struct inbox *inbox, natsMsg *message, bool is_newest)
{
	const char *pending = NULL;
	size_t n = is_newest ? inbox->batch : 0;

	if (natsMsgHeader_Get(message, "Nats-Pending-Messages", &pending) == NATS_OK)
		n = strtoul(pending, NULL, 10);
	inbox->missing -= n < inbox->missing ? n : inbox->missing;
}

/* The lock is held. Status 408 means that the request's time is over, 404 that no item is there. */
static void note_end(struct inbox *inbox, natsMsg *message)
{
	const char *status = "", *text = "";

	(void)natsMsgHeader_Get(message, "Status", &status);
	(void)natsMsgHeader_Get(message, "Description", &text);
	if (strcmp(status, "408") != 0 && strcmp(status, "404") != 0)
		snprintf(inbox->end, sizeof(inbox->end), "%s %s", status, text);
	inbox->has_ended = true;
}

/* The lock is held. */
static void note_answer(struct inbox *inbox, natsMsg *message)
{
	unsigned long number = strtoul(natsMsg_GetSubject(message) + inbox->prefix, NULL, 10);

	if (number == 0)
		inbox->returned -= inbox->returned > 0;
	else
		note_missing(inbox, message, number == inbox->request);
	if (number == inbox->request)
		note_end(inbox, message);
	natsMsg_Destroy(message);
}

/* Called by a thread of the client library. An item has a reply subject, which acknowledges it;
 * other messages have none. */
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
	if (inbox->n == inbox->wanted || inbox->has_ended || inbox->missing == 0)
		pthread_cond_broadcast(&inbox->change);
	pthread_mutex_unlock(&inbox->lock);
}

/* The last callback for an inbox. Frees it. */
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

/* A request that is open may still bring an item. If there is such a request, this waits until the
 * server has ended the subscription, and gives back the items that came until then. */
INTERNAL void inbox_close(struct inbox *inbox)
{
	struct connection *connection = &inbox->q->connection;
	natsSubscription *arrivals = inbox->arrivals;
	bool is_open;

	pthread_mutex_lock(&inbox->lock);
	is_open = inbox->missing > 0 || inbox->life > 0;
	inbox->life = 0;
	pthread_cond_broadcast(&inbox->change);
	pthread_mutex_unlock(&inbox->lock);
	if (is_open && connection_is_up(connection) &&
	    natsSubscription_DrainTimeout(arrivals, LINGER_MS) == NATS_OK)
		(void)natsSubscription_WaitForDrainCompletion(arrivals, LINGER_MS);
	connection_unsubscribe(connection, arrivals); /* the inbox goes with the last call for it */
}
