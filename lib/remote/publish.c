/*
 * Sending a run of items, and the server's answer to each.
 *
 * Each message says after which position it must come, and carries an id made of the position it
 * will have. So the stream takes a run in order and from its beginning: when it refuses one, for
 * want of room say, it refuses the rest, which no longer come after what they say. A message that
 * comes twice is known by its id. One of a producer that is not it any more says a position that
 * another has taken.
 */
#include "remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum answer {
	ANSWER_KEPT,
	ANSWER_FULL,
	ANSWER_OUT_OF_ORDER, /* somebody else has put */
	ANSWER_NOBODY,       /* nobody listens: shut down, or nobody leads the stream right now */
	ANSWER_REFUSED,      /* for another reason */
	ANSWER_NONE,         /* whether it was kept is not known */
};

/* What came of a run. */
struct published {
	size_t stored;      /* from its beginning; unless ANSWER_NONE */
	enum answer answer; /* to the first that was not stored */
	int error;          /* with ANSWER_REFUSED */
};

static enum answer answer_of(natsStatus status, jsErrCode code, const char *text)
{
	if (status == NATS_OK)
		return ANSWER_KEPT;
	if (status == NATS_NO_RESPONDERS)
		return ANSWER_NOBODY;
	if (status == NATS_MAX_PAYLOAD)
		return ANSWER_REFUSED;
	if (code == 0)
		return ANSWER_NONE;
	switch (code) {
	case JSStreamWrongLastSequenceErr:
		return ANSWER_OUT_OF_ORDER;
	case JSStreamStoreFailedErr:
		return text && strstr(text, "maximum messages") ? ANSWER_FULL : ANSWER_REFUSED;
	case JSClusterNotAvailErr:
	case JSClusterNotLeaderErr:
		return ANSWER_NOBODY;
	default:
		return ANSWER_REFUSED;
	}
}

/* The message of the item that is to come after position last. */
static int publish_message(natsMsg **message, jsPubOptions *options, char *id,
                           const struct spmcq_remote *q, const void *item, uint64_t last)
{
	int error = payload_wrap(message, q, item, last + 1);

	jsPubOptions_Init(options);
	snprintf(id, ID_MOST, "%" PRIu64 ".%" PRIu64 "-%" PRIu64, q->producer.epoch,
	         q->producer.attempt, last + 1);
	options->MsgId = id;
	options->ExpectLastSeq = last;
	options->MaxWait = q->settings.options.answer_ms;
	/* The library takes 0 for nothing expected; the server does not. */
	if (error == 0 && last == 0)
		error = fault_of(
		        "put", natsMsgHeader_Set(*message, "Nats-Expected-Last-Sequence", "0"), 0);
	return error;
}

/* One, by asking and waiting. */
static struct published publish_one(struct spmcq_remote *q, const void *item)
{
	struct published published = {.answer = ANSWER_REFUSED};
	natsMsg *message = NULL;
	jsPubOptions options;
	char id[ID_MOST];
	jsErrCode code = 0;

	published.error = publish_message(&message, &options, id, q, item, q->producer.last);
	if (published.error == 0) {
		natsStatus status = js_PublishMsg(NULL, q->connection.js, message, &options, &code);

		published.answer = answer_of(status, code, nats_GetLastError(NULL));
		published.error = fault_of("put", status, code);
		published.stored = published.answer == ANSWER_KEPT;
	}
	natsMsg_Destroy(message);
	return published;
}

/* Which item of the run a message is; n: none of it. */
static size_t run_index(const struct run *run, natsMsg *message)
{
	size_t prefix = strlen(run->id);
	const char *id = NULL;
	uint64_t position;

	if (natsMsgHeader_Get(message, "Nats-Msg-Id", &id) != NATS_OK ||
	    strncmp(id, run->id, prefix) != 0)
		return run->n;
	position = strtoull(id + prefix, NULL, 10);
	return position - run->first < run->n ? (size_t)(position - run->first) : run->n;
}

/* By a thread of the library's: once for each message of a run. */
INTERNAL void publish_answered(jsCtx *js, natsMsg *message, jsPubAck *ack, jsPubAckErr *error,
                               void *closure)
{
	struct run *run = closure;
	size_t i;

	(void)js;
	pthread_mutex_lock(&run->lock);
	i = run_index(run, message);
	if (i < run->n) {
		run->answered++;
		if (ack && ack->Sequence == run->first + i) {
			run->stored++;
		} else if (i < run->first_fault) {
			run->first_fault = i;
			run->answer =
			        error ? (int)answer_of(error->Err, error->ErrCode, error->ErrText)
			              : ANSWER_OUT_OF_ORDER;
		}
		if (run->answered == run->n)
			pthread_cond_signal(&run->answered_all);
	}
	pthread_mutex_unlock(&run->lock);
	natsMsg_Destroy(message);
}

static void run_begin(struct spmcq_remote *q, size_t n)
{
	struct run *run = &q->producer.run;

	pthread_mutex_lock(&run->lock);
	snprintf(run->id, sizeof(run->id), "%" PRIu64 ".%" PRIu64 "-", q->producer.epoch,
	         q->producer.attempt);
	run->first = q->producer.last + 1;
	run->n = n;
	run->answered = 0;
	run->stored = 0;
	run->first_fault = n;
	pthread_mutex_unlock(&run->lock);
}

/* Returns how many were sent; fewer than n: there is an error. */
static size_t run_send(struct spmcq_remote *q, const char *items, size_t n, int *error)
{
	jsPubOptions options;
	natsMsg *message = NULL;
	char id[ID_MOST];

	for (size_t i = 0; i < n; i++) {
		*error = publish_message(&message, &options, id, q,
		                         items + i * q->settings.item_size, q->producer.last + i);
		if (*error == 0)
			*error = fault_of(
			        "put", js_PublishMsgAsync(q->connection.js, &message, &options), 0);
		if (*error) {
			natsMsg_Destroy(message);
			return i;
		}
	}
	return n;
}

/* Until all are answered, or will not be: the connection was lost, or it takes too long. */
static bool run_await(struct spmcq_remote *q, unsigned lost)
{
	struct limit limit = limit_in(q->settings.options.answer_ms * MS);
	struct run *run = &q->producer.run;
	bool all;

	pthread_mutex_lock(&run->lock);
	while (run->answered < run->n && !limit_is_over(limit) &&
	       atomic_load(&q->connection.lost) == lost) {
		struct timespec look;

		clock_gettime(CLOCK_MONOTONIC, &look);
		look.tv_nsec += 50 * MS;
		look.tv_sec += look.tv_nsec / SECOND;
		look.tv_nsec %= SECOND;
		pthread_cond_timedwait(&run->answered_all, &run->lock, &look);
	}
	all = run->answered == run->n;
	pthread_mutex_unlock(&run->lock);
	return all;
}

/* Takes back what was not answered, so that nothing of it is counted later. */
static void run_abandon(struct spmcq_remote *q)
{
	struct run *run = &q->producer.run;
	natsMsgList pending;

	if (js_PublishAsyncGetPendingList(&pending, q->connection.js) == NATS_OK)
		natsMsgList_Destroy(&pending);
	pthread_mutex_lock(&run->lock);
	run->n = 0;
	pthread_mutex_unlock(&run->lock);
}

static struct published run_end(struct spmcq_remote *q)
{
	struct run *run = &q->producer.run;
	struct published published;

	pthread_mutex_lock(&run->lock);
	published = (struct published){
	        .stored = run->first_fault, .answer = ANSWER_KEPT, .error = -EIO};
	if (run->first_fault < run->n)
		published.answer = (enum answer)run->answer;
	/* No later one can have been kept; if one says so, better ask. */
	if (run->stored != run->first_fault)
		published.answer = ANSWER_NONE;
	run->n = 0;
	pthread_mutex_unlock(&run->lock);
	return published;
}

/* What became of those that were sent before an error is not known. */
static struct published publish_many(struct spmcq_remote *q, const void *items, size_t n)
{
	unsigned lost = atomic_load(&q->connection.lost);
	int error = 0;

	run_begin(q, n);
	if (run_send(q, items, n, &error) == n && run_await(q, lost))
		return run_end(q);
	run_abandon(q);
	if (error == 0)
		(void)fault_of("put", NATS_TIMEOUT, 0);
	return (struct published){.answer = ANSWER_NONE};
}

/* n: 1 to RUN_MOST. */
INTERNAL struct published publish(struct spmcq_remote *q, const void *items, size_t n)
{
	return n == 1 ? publish_one(q, items) : publish_many(q, items, n);
}
