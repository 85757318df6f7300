/*
 * Reporting items. An acknowledgement is a request, and the server's answer says that it has noted
 * it; of many, all are sent before the first answer is waited for. One that was lost can be sent
 * again: the server answers again.
 */
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ack[] = "+ACK";
enum { ACK_SIZE = sizeof(ack) - 1 };

/* One, by asking and waiting. */
static int acknowledge(struct spmcq_remote *q, struct held *held)
{
	unsigned refused = atomic_load(&q->connection.refused);
	natsMsg *answer = NULL;
	natsStatus status =
	        natsConnection_Request(&answer, q->connection.nats, natsMsg_GetReply(held->message),
	                               ack, ACK_SIZE, q->settings.options.answer_ms);

	natsMsg_Destroy(answer);
	held->is_done = status == NATS_OK;
	return connection_fault(&q->connection, refused, fault_of("task_done", status, 0));
}

/* Where the answers to the acknowledgements of one call arrive: inbox.NUMBER. */
struct answers {
	natsInbox *inbox;
	natsSubscription *arrivals;
	size_t prefix; /* bytes of a subject before NUMBER */
};

static natsStatus answers_open(struct answers *answers, struct spmcq_remote *q)
{
	char subject[PLACE_MOST];
	natsStatus status = natsInbox_Create(&answers->inbox);

	if (status != NATS_OK)
		return status;
	answers->prefix = (size_t)snprintf(subject, sizeof(subject), "%s.", answers->inbox);
	strcpy(subject + answers->prefix, "*");
	return natsConnection_SubscribeSync(&answers->arrivals, q->connection.nats, subject);
}

static void answers_close(struct answers *answers)
{
	natsSubscription_Destroy(answers->arrivals);
	natsInbox_Destroy(answers->inbox);
}

static natsStatus send_all(struct desk *desk, const struct answers *answers, size_t n)
{
	natsStatus status = NATS_OK;
	char reply[PLACE_MOST];

	for (size_t i = 0; i < n && status == NATS_OK; i++) {
		const struct held *held = desk_held(desk, i);

		if (held->is_done)
			continue;
		snprintf(reply, sizeof(reply), "%s.%zu", answers->inbox, i);
		status = natsConnection_PublishRequest(desk->q->connection.nats,
		                                       natsMsg_GetReply(held->message), reply, ack,
		                                       ACK_SIZE);
	}
	return status;
}

/* Marks what the server has noted. */
static natsStatus await_all(struct desk *desk, const struct answers *answers, size_t n)
{
	unsigned answer_ms = desk->q->settings.options.answer_ms;
	size_t missing = 0;

	for (size_t i = 0; i < n; i++)
		missing += !desk_held(desk, i)->is_done;
	while (missing > 0) {
		natsMsg *answer;
		natsStatus status = natsSubscription_NextMsg(&answer, answers->arrivals, answer_ms);
		size_t i = n;

		if (status != NATS_OK)
			return status;
		if (strlen(natsMsg_GetSubject(answer)) > answers->prefix &&
		    !natsMsg_IsNoResponders(answer))
			i = strtoull(natsMsg_GetSubject(answer) + answers->prefix, NULL, 10);
		natsMsg_Destroy(answer);
		if (i >= n)
			return NATS_NO_RESPONDERS;
		missing -= !desk_held(desk, i)->is_done;
		desk_held(desk, i)->is_done = true;
	}
	return NATS_OK;
}

static int acknowledge_many(struct desk *desk, size_t n)
{
	struct spmcq_remote *q = desk->q;
	unsigned refused = atomic_load(&q->connection.refused);
	struct answers answers = {.inbox = NULL};
	natsStatus status = answers_open(&answers, q);

	if (status == NATS_OK)
		status = send_all(desk, &answers, n);
	if (status == NATS_OK)
		status = await_all(desk, &answers, n);
	answers_close(&answers);
	return connection_fault(&q->connection, refused, fault_of("task_done", status, 0));
}

/* Until the server has noted it, or for twice the time of an answer. */
static int report(struct desk *desk, size_t n)
{
	struct limit limit = limit_in(2 * desk->q->settings.options.answer_ms * MS);
	int error;

	do {
		error = n == 1 ? acknowledge(desk->q, desk_held(desk, 0))
		               : acknowledge_many(desk, n);
		if (error != -ENOTCONN)
			break;
		limit_sleep(limit, 50 * MS);
	} while (!limit_is_over(limit));
	desk_drop_done(desk, n);
	return error;
}

/* The caller's desk with at least n items, or NULL and what is wrong. */
static struct desk *desk_with(struct spmcq_remote *q, size_t n, int *error)
{
	struct desk *desk;

	if (!q || n == 0) {
		*error = fault(-EINVAL, "no queue, or no items");
		return NULL;
	}
	desk = desk_find(q);
	if (desk && desk->n >= n)
		return desk;
	*error = fault(-ERANGE, "this thread holds %zu items", desk ? desk->n : 0);
	return NULL;
}

int spmcq_remote_task_done_many(struct spmcq_remote *q, size_t n)
{
	int error = 0;
	struct desk *desk = desk_with(q, n, &error);

	if (!desk)
		return error;
	atomic_fetch_add(&q->inside, 1);
	error = report(desk, n);
	atomic_fetch_sub(&q->inside, 1);
	return error;
}

int spmcq_remote_task_done(struct spmcq_remote *q)
{
	return spmcq_remote_task_done_many(q, 1);
}

int spmcq_remote_deliveries(struct spmcq_remote *q)
{
	int error = 0;
	struct desk *desk = desk_with(q, 1, &error);

	return desk ? (int)desk_held(desk, desk->n - 1)->deliveries : error;
}

int spmcq_remote_still_working(struct spmcq_remote *q)
{
	struct desk *desk;
	natsStatus status = NATS_OK;

	if (!q)
		return fault(-EINVAL, "no queue");
	desk = desk_find(q);
	for (size_t i = 0; desk && i < desk->n && status == NATS_OK; i++)
		status = natsConnection_PublishString(
		        q->connection.nats, natsMsg_GetReply(desk_held(desk, i)->message), "+WPI");
	return fault_of("still_working", status, 0);
}
