/*
 * Sends a run of items in one or more messages, and reads the server's answer to each message.
 *
 * Each message names the position that it must follow, which must be the stream's newest, and has
 * an id that contains the position that it is to have itself. So the stream stores a run in order
 * and without gaps: if it refuses a message, it also refuses the later messages of the run, because
 * the position that each must follow is missing. The server recognises a message that arrives twice
 * by its id; so two messages with the same id must have the same items. A message of a former
 * producer is refused when the stream already has one of the new producer, because the position
 * that the message names is no longer the newest.
 */
#include "remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum answer {
	ANSWER_KEPT,
	ANSWER_OUT_OF_ORDER, /* another producer has put, or a message before is missing */
	/* No stream has the subject: the queue is shut down, or its stream has no leader now. */
	ANSWER_NOBODY,
	ANSWER_REFUSED, /* the server refuses the message for another reason */
	ANSWER_NONE,    /* the answer is missing: nobody here knows what was stored */
};

/* The result of sending a run. */
struct published {
	/* How many messages were stored, from the first on; undefined with ANSWER_NONE. */
	size_t stored;
	enum answer answer; /* to the first message that was not stored */
	int error;          /* set with ANSWER_REFUSED */
};

static enum answer answer_of(natsStatus status, jsErrCode code)
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
	case JSClusterNotAvailErr:
	case JSClusterNotLeaderErr:
		return ANSWER_NOBODY;
	default:
		return ANSWER_REFUSED;
	}
}

/* Makes the message of n items that must follow position last. */
static int publish_message(natsMsg **message, jsPubOptions *options, char *id,
                           const struct spmcq_remote *q, const void *items, size_t n, uint64_t last)
{
	int error = payload_wrap(message, q, items, n, last + 1);

	jsPubOptions_Init(options);
	snprintf(id, ID_MOST, "%" PRIu64 ".%" PRIu64 "-%" PRIu64, q->producer.epoch,
	         q->producer.attempt, last + 1);
	options->MsgId = id;
	options->ExpectLastSeq = last;
	/* For the client library, 0 means that no position is named; for the server, it means that
	 * the stream must have had no item so far. */
	if (error == 0 && last == 0)
		error = fault_of(
		        "put", natsMsgHeader_Set(*message, "Nats-Expected-Last-Sequence", "0"), 0);
	return error;
}

/* Sends one message of n items, after all messages that are still buffered. Waits for its answer.
 */
static struct published publish_one(struct spmcq_remote *q, const void *items, size_t n,
                                    uint64_t last)
{
	struct published published = {.answer = ANSWER_REFUSED};
	natsMsg *message = NULL;
	jsPubOptions options;
	char id[ID_MOST];
	jsErrCode code = 0;

	published.error = publish_message(&message, &options, id, q, items, n, last);
	if (published.error == 0) {
		options.MaxWait = q->settings.options.answer_ms;
		natsStatus status = js_PublishMsg(NULL, q->connection.js, message, &options, &code);

		published.answer = answer_of(status, code);
		published.error = fault_of("put", status, code);
		published.stored = published.answer == ANSWER_KEPT;
	}
	natsMsg_Destroy(message);
	return published;
}

/* Returns the index of a message in the run, or run->n if it is not of this run. */
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

/* Called by a thread of the client library, once for each message of a run. */
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
			run->answer = error ? (int)answer_of(error->Err, error->ErrCode)
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

/* Sends n full messages. Returns how many were sent, or may have been sent. If that is fewer than
 * n, *error says why. */
static size_t run_send(struct spmcq_remote *q, const char *items, size_t n, int *error)
{
	jsPubOptions options;
	natsMsg *message = NULL;
	char id[ID_MOST];
	size_t full = per_message(q);

	for (size_t i = 0; i < n; i++) {
		natsStatus status = NATS_OK;

		*error = publish_message(&message, &options, id, q,
		                         items + i * full * q->settings.item_size, full,
		                         q->producer.last + i);
		if (*error == 0)
			status = js_PublishMsgAsync(q->connection.js, &message, &options);
		if (*error == 0 && status == NATS_OK)
			continue;
		natsMsg_Destroy(message);
		if (*error == 0)
			i++, *error = fault_of("put", status, 0);
		return i;
	}
	return n;
}

/* Waits until all messages are answered. Returns false if the connection was lost, or if that takes
 * longer than answer_ms. */
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

/* Forgets the messages that have no answer yet, so that a late answer is not counted. */
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
	/* After the first message that was not stored, no later one can have been stored. If the
	 * answers contradict that, the caller has to ask the server. */
	if (run->stored != run->first_fault)
		published.answer = ANSWER_NONE;
	run->n = 0;
	pthread_mutex_unlock(&run->lock);
	return published;
}

/* Returns the result of all but the last message of a run. The server answers these before the last
 * one. */
static struct published publish_rest(struct spmcq_remote *q, unsigned lost)
{
	if (run_await(q, lost))
		return run_end(q);
	run_abandon(q);
	(void)fault_of("put", NATS_TIMEOUT, 0);
	return (struct published){.answer = ANSWER_NONE};
}

/* After an error nobody here knows which of the messages that were sent are stored. */
static struct published publish_many(struct spmcq_remote *q, const char *items, size_t n)
{
	size_t full = messages_for(q, n) - 1; /* messages before the last */
	size_t sent = full * per_message(q);
	unsigned lost = atomic_load(&q->connection.lost);
	struct published rest = {.answer = ANSWER_NONE}, last;
	uint64_t before = q->producer.last;
	int error = 0;

	run_begin(q, full);
	if (run_send(q, items, full, &error) == 0)
		rest = (struct published){.answer = ANSWER_REFUSED, .error = error};
	if (error) {
		run_abandon(q);
		return rest;
	}
	last = publish_one(q, items + sent * q->settings.item_size, n - sent, before + full);
	rest = publish_rest(q, lost);
	if (rest.answer == ANSWER_KEPT && last.answer != ANSWER_NONE) {
		last.stored += rest.stored;
		return last;
	}
	/* The last message can have been stored only if all messages before it were. */
	if (last.answer == ANSWER_NONE || last.answer == ANSWER_KEPT)
		rest.answer = ANSWER_NONE;
	return rest;
}

/* n: at least 1, and not more than RUN_MOST messages have. */
INTERNAL struct published publish(struct spmcq_remote *q, const void *items, size_t n)
{
	return n <= per_message(q) ? publish_one(q, items, n, q->producer.last)
	                           : publish_many(q, items, n);
}
