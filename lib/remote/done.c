/*
 * Reporting items. A message is reported when the last of its items is; until then the desk only
 * counts them. A call sends the record for the log, then an acknowledgement for each message, and
 * waits for the answers. The record goes first: it must be stored before the server removes an item
 * that it names (see fill.c). In a queue with replicas each acknowledgement asks for an answer,
 * because the leader may change between two of them. Otherwise only the last one asks: the server
 * handles the acknowledgements of a connection in order, so the answer shows that it has noted all
 * of them. If the connection was lost meanwhile, or an answer is missing, the call sends everything
 * again. Acknowledging an item twice does no harm.
 */
#include "remote.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ack[] = "+ACK";
enum { ACK_SIZE = sizeof(ack) - 1 };

/* Forgets answers to earlier calls. The client library reports one of them, "no responders", as the
 * result of a later wait. */
static void answers_forget(struct answers *answers)
{
	natsMsg *answer = NULL;
	natsStatus status;

	do {
		status = natsSubscription_NextMsg(&answer, answers->arrivals, 0);
		if (status == NATS_OK)
			natsMsg_Destroy(answer);
	} while (status == NATS_OK || status == NATS_NO_RESPONDERS);
}

static natsStatus answers_subscribe(struct answers *answers, struct spmcq_remote *q)
{
	char subject[PLACE_MOST];
	natsStatus status = natsInbox_Create(&answers->inbox);

	if (status != NATS_OK)
		return status;
	answers->prefix = (size_t)snprintf(subject, sizeof(subject), "%s.", answers->inbox);
	strcpy(subject + answers->prefix, "*");
	status = natsConnection_SubscribeSync(&answers->arrivals, q->connection.nats, subject);
	if (status == NATS_OK)
		status = natsSubscription_SetPendingLimits(answers->arrivals, -1, -1);
	if (status != NATS_OK) {
		natsInbox_Destroy(answers->inbox);
		answers->inbox = NULL;
	}
	return status;
}

/* Begins a new call. reply: set to the subject that its answers are to be sent to. */
static natsStatus answers_open(struct answers *answers, struct spmcq_remote *q, char *reply)
{
	natsStatus status = NATS_OK;

	if (answers->inbox)
		answers_forget(answers);
	else
		status = answers_subscribe(answers, q);
	if (status == NATS_OK)
		snprintf(reply, PLACE_MOST, "%s.%u", answers->inbox, ++answers->call);
	return status;
}

/* Writes the positions of the n oldest messages as spans. Returns the number of spans. */
static size_t write_record(const struct desk *desk, size_t n, struct span *spans)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t position = desk_held(desk, i)->position;

		if (used > 0 && position == spans[used - 1].first + spans[used - 1].n)
			spans[used - 1].n++;
		else
			spans[used++] = (struct span){position, 1};
	}
	for (size_t i = 0; i < used; i++)
		spans[i] = (struct span){htobe64(spans[i].first), htobe64(spans[i].n)};
	return used;
}

/* Time between two checks of the connection while an answer is missing. */
enum { ANSWER_LOOK_MS = 50 };

static natsStatus send_record(struct desk *desk, size_t n)
{
	struct span spans[RUN_MOST];
	size_t used = write_record(desk, n, spans);
	char reply[PLACE_MOST];
	natsStatus status = answers_open(&desk->records, desk->q, reply);

	if (status != NATS_OK)
		return status;
	return natsConnection_PublishRequest(desk->q->connection.nats, desk->q->places.log_record,
	                                     reply, spans, (int)(used * sizeof(*spans)));
}

/* Sends the acknowledgements of the n oldest messages. The last `asking` ask for an answer. */
static natsStatus send_acks(struct desk *desk, size_t n, size_t asking)
{
	natsConnection *nats = desk->q->connection.nats;
	char reply[PLACE_MOST];
	natsStatus status = answers_open(&desk->acks, desk->q, reply);

	for (size_t i = 0; i < n && status == NATS_OK; i++) {
		const char *subject = natsMsg_GetReply(desk_held(desk, i)->message);

		status = i + asking >= n ? natsConnection_PublishRequest(nats, subject, reply, ack,
		                                                         ACK_SIZE)
		                         : natsConnection_Publish(nats, subject, ack, ACK_SIZE);
	}
	return status;
}

static bool is_of_this_call(const struct answers *answers, natsMsg *answer)
{
	const char *subject = natsMsg_GetSubject(answer);

	return strlen(subject) > answers->prefix &&
	       strtoul(subject + answers->prefix, NULL, 10) == answers->call;
}

/* Waits for an answer to this call, at most for answer_ms, and not much longer than the connection
 * lasts. lost: connection.lost before the call sent anything. */
static natsStatus answers_await(struct answers *answers, struct spmcq_remote *q, unsigned lost,
                                natsMsg **answer)
{
	struct limit limit = limit_in(q->settings.options.answer_ms * MS);

	for (;;) {
		natsStatus status =
		        natsSubscription_NextMsg(answer, answers->arrivals, ANSWER_LOOK_MS);

		if (status == NATS_OK && is_of_this_call(answers, *answer))
			return NATS_OK;
		if (status == NATS_OK)
			natsMsg_Destroy(*answer);
		else if (status != NATS_TIMEOUT)
			return status;
		if (limit_is_over(limit) || atomic_load(&q->connection.lost) != lost)
			return NATS_TIMEOUT;
	}
}

/* Returns the record's number in the log, as the server's answer says, or 0 if the server did not
 * store the record. */
static uint64_t record_number(natsMsg *answer)
{
	char text[256];
	const char *number;

	snprintf(text, sizeof(text), "%.*s", natsMsg_GetDataLength(answer),
	         natsMsg_GetData(answer));
	number = strstr(text, "\"seq\":");
	return strstr(text, "\"error\"") || !number ? 0 : strtoull(number + 6, NULL, 10);
}

/* record: set to the number of the record in the log. */
static natsStatus await_record(struct desk *desk, unsigned lost, uint64_t *record)
{
	natsMsg *answer;
	natsStatus status = answers_await(&desk->records, desk->q, lost, &answer);

	if (status != NATS_OK)
		return status;
	*record = record_number(answer);
	natsMsg_Destroy(answer);
	return *record > 0 ? NATS_OK : NATS_ERR;
}

static natsStatus await_acks(struct desk *desk, unsigned lost, size_t asked)
{
	natsStatus status = NATS_OK;

	while (asked-- > 0 && status == NATS_OK) {
		natsMsg *answer;

		status = answers_await(&desk->acks, desk->q, lost, &answer);
		if (status == NATS_OK)
			natsMsg_Destroy(answer);
	}
	return status;
}

/* Without a record in the log, the items could be delivered again after the server was killed. So a
 * call succeeds only if the server has stored its record. */
static int acknowledge(struct desk *desk, size_t n)
{
	struct spmcq_remote *q = desk->q;
	unsigned refused = atomic_load(&q->connection.refused);
	unsigned lost = atomic_load(&q->connection.lost);
	uint64_t again = connection_reconnects(&q->connection), record = 0;
	size_t asking = q->is_replicated ? n : 1;
	natsStatus status = NATS_OK;

	if (!connection_is_up(&q->connection))
		return fault(-ENOTCONN, "task_done: not connected");
	if (q->log.is_kept)
		status = send_record(desk, n);
	if (status == NATS_OK)
		status = send_acks(desk, n, asking);
	/* The record takes the server longer, so the thread usually sleeps only once. */
	if (status == NATS_OK && q->log.is_kept)
		status = await_record(desk, lost, &record);
	if (status == NATS_OK)
		status = await_acks(desk, lost, asking);
	/* An answer that came over a new connection does not show that what was sent over the old
	 * one arrived. */
	if (status == NATS_OK && connection_reconnects(&q->connection) != again)
		status = NATS_CONNECTION_DISCONNECTED;
	if (record > 0)
		log_trim(q, record);
	return connection_fault(&q->connection, refused, fault_of("task_done", status, 0));
}

/* Sends the report again until the server has noted all of it, for at most 2 * answer_ms. */
static int report_run(struct desk *desk, size_t n)
{
	struct limit limit = limit_in(2 * desk->q->settings.options.answer_ms * MS);
	int error;

	while ((error = acknowledge(desk, n)) == -ENOTCONN && !limit_is_over(limit))
		limit_sleep(limit, 50 * MS);
	if (error == 0)
		desk_drop(desk, n);
	return error;
}

/* The thread holds at least n items. */
static int report(struct desk *desk, size_t n)
{
	size_t reported = desk->reported + n, messages = 0;
	int error = 0;

	while (messages < desk->n && reported >= desk_held(desk, messages)->n)
		reported -= desk_held(desk, messages++)->n;
	for (size_t run; error == 0 && messages > 0; messages -= run) {
		run = messages < RUN_MOST ? messages : RUN_MOST;
		error = report_run(desk, run);
	}
	if (error)
		return error;
	desk->items -= reported - desk->reported;
	desk->reported = reported;
	return 0;
}

/* Returns the caller's desk if it holds at least n items; else NULL, and sets error. */
static struct desk *desk_with(struct spmcq_remote *q, size_t n, int *error)
{
	struct desk *desk;

	if (!q || n == 0) {
		*error = fault(-EINVAL, "no queue, or no items");
		return NULL;
	}
	desk = desk_find(q);
	if (desk && desk->items >= n)
		return desk;
	*error = fault(-ERANGE, "this thread holds %zu items", desk ? desk->items : 0);
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

ssize_t spmcq_remote_held(const struct spmcq_remote *q)
{
	const struct desk *desk = q ? desk_find(q) : NULL;

	if (!q)
		return fault(-EINVAL, "no queue");
	return desk ? (ssize_t)desk->items : 0;
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
