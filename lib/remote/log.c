/*
 * The log of reports: what was reported stays reported, also when the server is killed.
 *
 * A server that is killed has kept all that was published, but not all that was acknowledged: of a
 * file it writes down deletions once in a while only. So each report is also published, to a stream
 * of its own, and whoever meets a server that was started anew mends the queue before it gets from
 * it: it removes what the durable consumer knows to be acknowledged, and what the log says was
 * reported. A replicated queue, or one in memory, has no log: its servers agree, or it is gone.
 *
 * The log is cut off behind the positions up to which everything is acknowledged, once the server
 * must have written that down.
 */
#include "remote.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The server writes down where its consumers are ten times a second. */
#define LOG_SAFE_AFTER (2 * SECOND)

/* Positions in a row, as they are in a record: big-endian. */
struct span {
	uint64_t first, n;
};

/* Which of the positions first..last are there, one bit each. */
struct present {
	uint64_t first, last;
	unsigned char *bits;
};

static bool present_has(const struct present *present, uint64_t position)
{
	uint64_t i = position - present->first;

	return position >= present->first && position <= present->last &&
	       (present->bits[i / 8] >> i % 8 & 1);
}

static int present_fill(struct present *present, const jsStreamState *state)
{
	uint64_t n = state->Msgs == 0 ? 0 : state->LastSeq - state->FirstSeq + 1;

	present->first = state->FirstSeq;
	present->last = n == 0 ? 0 : state->LastSeq;
	present->bits = malloc(n / 8 + 1);
	if (!present->bits)
		return fault(-ENOMEM, "no memory");
	memset(present->bits, 0xff, n / 8 + 1);
	for (int i = 0; i < state->DeletedLen; i++) {
		uint64_t at = state->Deleted[i] - state->FirstSeq;

		if (at < n)
			present->bits[at / 8] &= (unsigned char)~(1 << at % 8);
	}
	return 0;
}

static int present_ask(struct spmcq_remote *q, struct present *present)
{
	jsOptions options;
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status;
	int error;

	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	options.Stream.Info.DeletedDetails = true;
	status = js_GetStreamInfo(&info, q->connection.js, q->places.stream, &options, &code);
	if (status != NATS_OK)
		return fault_of(q->places.stream, status, code);
	error = present_fill(present, &info->State);
	jsStreamInfo_Destroy(info);
	return error;
}

/* Removes what is there of a span. */
static int mend_span(struct spmcq_remote *q, const struct present *present, struct span span)
{
	for (uint64_t i = 0; i < span.n; i++) {
		jsErrCode code = 0;
		natsStatus status;

		if (!present_has(present, span.first + i))
			continue;
		status = js_DeleteMsg(q->connection.js, q->places.stream, span.first + i, NULL,
		                      &code);
		/* Another may mend at the same time: then it is not there any more. */
		if (status != NATS_OK && code == 0)
			return fault_of("mending", status, code);
	}
	return 0;
}

static int mend_record(struct spmcq_remote *q, const struct present *present, natsMsg *record)
{
	size_t n = (size_t)natsMsg_GetDataLength(record) / sizeof(struct span);
	const char *data = natsMsg_GetData(record);
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++) {
		struct span span;

		memcpy(&span, data + i * sizeof(span), sizeof(span));
		span = (struct span){be64toh(span.first), be64toh(span.n)};
		if (span.n <= RUN_MOST)
			error = mend_span(q, present, span);
	}
	return error;
}

/* Reads the log up to its record last. */
static int mend_by_log(struct spmcq_remote *q, const struct present *present, uint64_t last)
{
	natsSubscription *records = NULL;
	jsSubOptions options;
	jsErrCode code = 0;
	natsStatus status;
	unsigned deliveries;
	uint64_t at = 0;
	int error = 0;

	jsSubOptions_Init(&options);
	options.Stream = q->places.log;
	options.Ordered = true;
	status = js_SubscribeSync(&records, q->connection.js, q->places.log_record, NULL, &options,
	                          &code);
	while (status == NATS_OK && error == 0 && at < last) {
		natsMsg *record = NULL;

		status = natsSubscription_NextMsg(&record, records, q->settings.options.answer_ms);
		if (status != NATS_OK)
			break;
		if (read_reply(natsMsg_GetReply(record), &deliveries, &at))
			error = mend_record(q, present, record);
		natsMsg_Destroy(record);
	}
	natsSubscription_Destroy(records);
	return error ? error : fault_of(q->places.log, status, code);
}

/* What is acknowledged up to there is finished, and goes in one piece. */
static int mend_by_floor(struct spmcq_remote *q)
{
	struct consumer_state state;
	jsOptions options;
	jsErrCode code = 0;
	int error = server_ask_consumer(q, &state);

	if (error || state.floor == 0)
		return error;
	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	options.Stream.Purge.Sequence = state.floor + 1;
	return fault_of("mending",
	                js_PurgeStream(q->connection.js, q->places.stream, &options, &code), code);
}

static int log_ask_last(struct spmcq_remote *q, uint64_t *last)
{
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status = js_GetStreamInfo(&info, q->connection.js, q->places.log, NULL, &code);

	if (status != NATS_OK)
		return fault_of(q->places.log, status, code);
	*last = info->State.Msgs > 0 ? info->State.LastSeq : 0;
	jsStreamInfo_Destroy(info);
	return 0;
}

static int mend(struct spmcq_remote *q)
{
	struct present present = {.bits = NULL};
	uint64_t last = 0;
	int error = mend_by_floor(q);

	if (error == 0)
		error = log_ask_last(q, &last);
	if (error == 0 && last > 0)
		error = present_ask(q, &present);
	if (error == 0 && last > 0 && present.last > 0)
		error = mend_by_log(q, &present, last);
	free(present.bits);
	return error;
}

/* Before anything is got or waited for: sees to it that the server knows what it knew. A server
 * that is started anew has another id. */
INTERNAL int log_mend(struct spmcq_remote *q)
{
	struct log *log = &q->log;
	char id[sizeof(log->mended)];
	int error;

	if (!log->is_kept)
		return 0;
	if (natsConnection_GetConnectedServerId(q->connection.nats, id, sizeof(id)) != NATS_OK)
		return fault(-ENOTCONN, "not connected");
	pthread_mutex_lock(&log->lock);
	error = strcmp(id, log->mended) == 0 ? 0 : mend(q);
	if (error == 0)
		strcpy(log->mended, id);
	pthread_mutex_unlock(&log->lock);
	return error;
}

/* Cuts off the records up to that one. What goes wrong is tried again, with more of them. */
static void log_cut(struct spmcq_remote *q, uint64_t record)
{
	jsOptions options;

	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	options.Stream.Purge.Sequence = record + 1;
	(void)js_PurgeStream(q->connection.js, q->places.log, &options, NULL);
}

/* Steps of a cut: note the newest record, and the newest position delivered, which none of the
 * records is beyond; wait until all up to there is acknowledged; let the server write that down;
 * cut. record: one that was just kept. */
INTERNAL void log_trim(struct spmcq_remote *q, uint64_t record)
{
	struct log *log = &q->log;
	struct consumer_state state;

	if (now_ns() < atomic_load(&log->look_at) || pthread_mutex_trylock(&log->lock) != 0)
		return;
	atomic_store(&log->look_at, now_ns() + LOG_SAFE_AFTER);
	if (log->is_passed) {
		log_cut(q, log->record);
		log->record = 0;
		log->is_passed = false;
	} else if (server_ask_consumer(q, &state) != 0) {
		/* next time */
	} else if (log->record == 0) {
		log->record = record;
		log->position = state.delivered;
	} else {
		log->is_passed = state.floor >= log->position;
	}
	pthread_mutex_unlock(&log->lock);
}
