/*
 * The log of reports. With it, items that were reported stay reported when the server is killed.
 *
 * A server that is killed has kept all items that were put, but it may have forgotten some
 * acknowledgements, because it writes deletions to its files only once in a while. So each report
 * is also published as a record, to a stream of its own: the log. The first handle that gets from,
 * or joins, a server that was started anew mends the queue: it removes the items that are in the
 * log. Then it publishes the server's id beside the log, so that other handles need not do it
 * again. For a queue that several servers keep, see repair.c. A queue that one server keeps in
 * memory has no log: it is gone with the server.
 *
 * Old records are cut off when their items cannot come back: the server removes a file of items
 * when all of them are finished.
 */
#include "remote.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LOOK (2 * SECOND) /* between two looks whether it can be cut */

/* Twice the size of a server's file, and the least that an item takes in it beside its bytes. */
enum { LOG_FILES = 16 << 20, LOG_OVERHEAD = 100 };

/* Consecutive positions. In a record the numbers are big-endian. */
struct span {
	uint64_t first, n;
};

/* For each position first..first + n - 1 a bit that is set if the server has the item, and one that
 * is set if the item was reported. */
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

/* Reads the log up to and including record number last. */
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

/* If another mends at the same time the item may be gone, which is no error. */
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

/* Removes the items that are there although they were reported. Most of them are in one piece at
 * the beginning. */
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

/* last: set to the number of the newest record, or to 0 if there is none. */
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

/* True if some handle has mended the queue since the server with that id was started. */
static bool mended_is(struct spmcq_remote *q, const char *id)
{
	natsMsg *note = NULL;
	bool is = js_GetLastMsg(&note, q->connection.js, q->places.log, q->places.log_mended, NULL,
	                        NULL) == NATS_OK &&
	          strcmp(natsMsg_GetData(note), id) == 0;

	natsMsg_Destroy(note);
	return is;
}

/* The id is published with its final 0, as mended_is() reads it. */
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

/* Called before a get or a join. Mends the queue if the server was started anew: then it has
 * another id. */
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

/* Removes the records up to that one. If this fails, a later cut removes them, too. */
static void log_cut(struct spmcq_remote *q, uint64_t record)
{
	jsOptions options;

	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	options.Stream.Purge.Subject = q->places.log_record; /* not the note */
	options.Stream.Purge.Sequence = record + 1;
	(void)js_PurgeStream(q->connection.js, q->places.log, &options, NULL);
}

/* A cut has three steps. (1) Keep the number of the newest record, and the newest position that was
 * delivered: no record has a later one. (2) Wait until all items up to that position are finished
 * and their files are gone. (3) Remove the records up to that number.
 * record: the number of a record that was just kept. */
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
