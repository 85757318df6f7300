/*
 * The log of reports: what was reported stays reported, also when the server is killed.
 *
 * A server that is killed has kept all that was published, but not all that was acknowledged: of a
 * file it writes down deletions once in a while only. So each report is also published, to a stream
 * of its own, and whoever meets a server that was started anew mends the queue before it gets from
 * it: it removes what the log says was reported. Then it notes the server's id, beside the log, for
 * the others. Of a queue that several servers keep, see repair.c. A queue that one server keeps in
 * memory has no log: it is gone with the server.
 *
 * The log is cut off where no item can come back: the files of a stream are removed when all in
 * them is finished.
 */
#include "remote.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LOOK (2 * SECOND) /* between two looks whether it can be cut */

/* A file of the server's, twice; and the least that an item takes in it beside its bytes. */
enum { LOG_FILES = 16 << 20, LOG_OVERHEAD = 100 };

/* Positions in a row, as they are in a record: big-endian. */
struct span {
	uint64_t first, n;
};

/* The positions first..first + n - 1, a bit each: whether the server has it, and whether it was
 * reported. */
struct mending {
	uint64_t first, n;
	unsigned char *kept, *reported;
};

static bool bit_is_set(const unsigned char *bits, uint64_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static void bit_clear(unsigned char *bits, uint64_t i)
{
	bits[i / 8] &= (unsigned char)~(1 << i % 8);
}

static void bit_set(unsigned char *bits, uint64_t i)
{
	bits[i / 8] |= (unsigned char)(1 << i % 8);
}

static int mending_init(struct mending *mending, const jsStreamState *state)
{
	mending->first = state->FirstSeq;
	mending->n = state->Msgs == 0 ? 0 : state->LastSeq - state->FirstSeq + 1;
	mending->kept = malloc(mending->n / 8 + 1);
	mending->reported = calloc(mending->n / 8 + 1, 1);
	if (!mending->kept || !mending->reported)
		return fault(-ENOMEM, "no memory");
	memset(mending->kept, 0xff, mending->n / 8 + 1);
	for (int i = 0; i < state->DeletedLen; i++)
		if (state->Deleted[i] - mending->first < mending->n)
			bit_clear(mending->kept, state->Deleted[i] - mending->first);
	return 0;
}

static void mending_destroy(struct mending *mending)
{
	free(mending->kept);
	free(mending->reported);
}

static int mending_ask(struct spmcq_remote *q, struct mending *mending)
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
	error = mending_init(mending, &info->State);
	jsStreamInfo_Destroy(info);
	return error;
}

static void mending_note(struct mending *mending, natsMsg *record)
{
	size_t n = (size_t)natsMsg_GetDataLength(record) / sizeof(struct span);
	const char *data = natsMsg_GetData(record);

	for (size_t i = 0; i < n; i++) {
		struct span span;

		memcpy(&span, data + i * sizeof(span), sizeof(span));
		span = (struct span){be64toh(span.first), be64toh(span.n)};
		for (uint64_t k = 0; k < span.n && k < RUN_MOST; k++)
			if (span.first + k - mending->first < mending->n)
				bit_set(mending->reported, span.first + k - mending->first);
	}
}

/* Reads the log up to its record last. */
static int mending_read(struct spmcq_remote *q, struct mending *mending, uint64_t last)
{
	natsSubscription *records = NULL;
	jsSubOptions options;
	jsErrCode code = 0;
	natsStatus status;
	unsigned deliveries;
	uint64_t at = 0;

	jsSubOptions_Init(&options);
	options.Stream = q->places.log;
	options.Ordered = true;
	status = js_SubscribeSync(&records, q->connection.js, q->places.log_record, NULL, &options,
	                          &code);
	while (status == NATS_OK && at < last) {
		natsMsg *record = NULL;

		status = natsSubscription_NextMsg(&record, records, q->settings.options.answer_ms);
		if (status == NATS_OK && read_reply(natsMsg_GetReply(record), &deliveries, &at))
			mending_note(mending, record);
		natsMsg_Destroy(record);
	}
	natsSubscription_Destroy(records);
	return fault_of(q->places.log, status, code);
}

/* Another may mend at the same time: then it is not there any more. */
static int mend_one(struct spmcq_remote *q, uint64_t position)
{
	jsErrCode code = 0;
	natsStatus status = js_DeleteMsg(q->connection.js, q->places.stream, position, NULL, &code);

	return status != NATS_OK && code == 0 ? fault_of("mending", status, code) : 0;
}

static int mend_up_to(struct spmcq_remote *q, uint64_t position)
{
	jsOptions options;
	jsErrCode code = 0;

	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	options.Stream.Purge.Sequence = position;
	return fault_of("mending",
	                js_PurgeStream(q->connection.js, q->places.stream, &options, &code), code);
}

/* What has come back, although it was reported. Most of it is in one piece at the beginning. */
static int mend_all(struct spmcq_remote *q, const struct mending *mending)
{
	uint64_t i = 0;
	int error = 0;

	while (i < mending->n &&
	       (bit_is_set(mending->reported, i) || !bit_is_set(mending->kept, i)))
		i++;
	if (i > 0)
		error = mend_up_to(q, mending->first + i);
	for (; i < mending->n && error == 0; i++)
		if (bit_is_set(mending->reported, i) && bit_is_set(mending->kept, i))
			error = mend_one(q, mending->first + i);
	return error;
}

/* The number of the newest record; 0: there is none. */
static int log_ask_last(struct spmcq_remote *q, uint64_t *last)
{
	natsMsg *record = NULL;
	jsErrCode code = 0;
	natsStatus status = js_GetLastMsg(&record, q->connection.js, q->places.log,
	                                  q->places.log_record, NULL, &code);

	*last = 0;
	if (status == NATS_NOT_FOUND)
		return 0;
	if (status != NATS_OK)
		return fault_of(q->places.log, status, code);
	*last = natsMsg_GetSequence(record);
	natsMsg_Destroy(record);
	return 0;
}

static int mend(struct spmcq_remote *q)
{
	struct mending mending = {.n = 0};
	uint64_t last = 0;
	int error = log_ask_last(q, &last);

	if (error == 0 && last > 0)
		error = mending_ask(q, &mending);
	if (error == 0 && last > 0 && mending.n > 0)
		error = mending_read(q, &mending, last);
	if (error == 0)
		error = mend_all(q, &mending);
	mending_destroy(&mending);
	return error;
}

/* Whether that server was mended already, by whoever. */
static bool mended_is(struct spmcq_remote *q, const char *id)
{
	natsMsg *note = NULL;
	bool is = js_GetLastMsg(&note, q->connection.js, q->places.log, q->places.log_mended, NULL,
	                        NULL) == NATS_OK &&
	          strcmp(natsMsg_GetData(note), id) == 0;

	natsMsg_Destroy(note);
	return is;
}

/* With its end, for mended_is(). */
static int mended_note(struct spmcq_remote *q, const char *id)
{
	jsErrCode code = 0;

	return fault_of(q->places.log_mended,
	                js_Publish(NULL, q->connection.js, q->places.log_mended, id,
	                           (int)strlen(id) + 1, NULL, &code),
	                code);
}

static int mend_unless_done(struct spmcq_remote *q, const char *id)
{
	int error;

	if (mended_is(q, id))
		return 0;
	error = mend(q);
	return error ? error : mended_note(q, id);
}

/* Before anything is got or waited for: sees to it that the server knows what it knew. A server
 * that is started anew has another id. */
INTERNAL int log_mend(struct spmcq_remote *q)
{
	struct log *log = &q->log;
	unsigned refused = atomic_load(&q->connection.refused);
	char id[sizeof(log->mended)];
	int error;

	if (!log->is_kept || q->is_replicated)
		return 0;
	if (natsConnection_GetConnectedServerId(q->connection.nats, id, sizeof(id)) != NATS_OK)
		return fault(-ENOTCONN, "not connected");
	pthread_mutex_lock(&log->lock);
	error = strcmp(id, log->mended) == 0 ? 0 : mend_unless_done(q, id);
	if (error == 0)
		strcpy(log->mended, id);
	pthread_mutex_unlock(&log->lock);
	return connection_fault(&q->connection, refused, error);
}

/* Cuts off the records up to that one. What goes wrong is tried again, with more of them. */
static void log_cut(struct spmcq_remote *q, uint64_t record)
{
	jsOptions options;

	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	options.Stream.Purge.Subject = q->places.log_record; /* not the note */
	options.Stream.Purge.Sequence = record + 1;
	(void)js_PurgeStream(q->connection.js, q->places.log, &options, NULL);
}

/* Steps of a cut: note the newest record, and the newest position delivered, which none of the
 * records is beyond; wait until all of that is finished, and its files are gone; cut. record: one
 * that was just kept. */
INTERNAL void log_trim(struct spmcq_remote *q, uint64_t record)
{
	uint64_t files = LOG_FILES / (q->settings.item_size + LOG_OVERHEAD) + 1;
	struct log *log = &q->log;
	struct consumer_state consumer;
	struct stream_state stream;

	if (now_ns() < atomic_load(&log->look_at) || pthread_mutex_trylock(&log->lock) != 0)
		return;
	atomic_store(&log->look_at, now_ns() + LOG_LOOK);
	if (log->record == 0 && server_ask_consumer(q, &consumer) == 0) {
		log->record = record;
		log->position = consumer.delivered;
	} else if (log->record > 0 && server_ask_stream(q, &stream) == 0 &&
	           stream.first > log->position + files) {
		log_cut(q, log->record);
		log->record = 0;
	}
	pthread_mutex_unlock(&log->lock);
}
