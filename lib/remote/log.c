/*
 * The log of reports. With it, items that were reported stay reported when the server is killed.
 *
 * A server that was killed still has all items that were put, but it may have lost some
 * acknowledgements, because it writes deletions to its files only from time to time. So each report
 * is also published as a record, to a stream of its own: the log. A handle that finds that the
 * server was restarted reads from the log which of the items on the server were reported. If such
 * an item is delivered, the handle acknowledges it again, and no get returns it. Before a handle
 * asks how many items are unfinished, it removes all such items (see remove.c). The producer also
 * makes sure that no position is given to two items (see fill.c). Then it publishes a note to the
 * log's second subject: the id of that server. Handles that are opened later find the note, and
 * need not repeat the repair.
 *
 * If a queue is on several servers, only repair.c uses its log. A queue that a single server keeps
 * in memory has no log, because the items are lost with the server.
 *
 * Old records are removed when their items cannot come back. An item can come back as long as the
 * server has the file that it was in; the server removes a file when all items in it are finished.
 */
#include "remote.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define LOG_LOOK (2 * SECOND) /* time between two checks whether records can be removed */

/* LOG_FILES: the bytes of two of the files in which the server stores items. LOG_OVERHEAD: an item
 * takes at least this many bytes in a file in addition to its own. */
enum { LOG_FILES = 16 << 20, LOG_OVERHEAD = 100 };

/* Consecutive positions. In a record the numbers are big-endian. */
struct span {
	uint64_t first, n;
};

/* kept: set to the positions of the items that the server has. The caller clears it. */
static int log_ask_kept(struct spmcq_remote *q, struct positions *kept)
{
	jsOptions options;
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status;
	uint64_t n;
	int error;

	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	options.Stream.Info.DeletedDetails = true;
	status = js_GetStreamInfo(&info, q->connection.js, q->places.stream, &options, &code);
	if (status != NATS_OK)
		return fault_of(q->places.stream, status, code);
	n = info->State.Msgs == 0 ? 0 : info->State.LastSeq - info->State.FirstSeq + 1;
	error = positions_make(kept, info->State.FirstSeq, n);
	if (error == 0) {
		memset(kept->bits, 0xff, n / 8 + 1);
		for (int i = 0; i < info->State.DeletedLen; i++)
			positions_remove(kept, info->State.Deleted[i]);
	}
	jsStreamInfo_Destroy(info);
	return error;
}

static void log_note_record(struct positions *reported, uint64_t *newest, natsMsg *record)
{
	size_t n = (size_t)natsMsg_GetDataLength(record) / sizeof(struct span);
	const char *data = natsMsg_GetData(record);

	for (size_t i = 0; i < n; i++) {
		struct span span;

		memcpy(&span, data + i * sizeof(span), sizeof(span));
		span = (struct span){be64toh(span.first), be64toh(span.n)};
		if (*newest < span.first + span.n - 1)
			*newest = span.first + span.n - 1;
		for (uint64_t k = 0; k < span.n && k < RUN_MOST; k++)
			positions_add(reported, span.first + k);
	}
}

/* Not an "ordered" consumer: the client library 3.4 can crash when the connection is lost while it
 * makes such a consumer anew. */
static natsStatus log_subscribe(struct spmcq_remote *q, natsSubscription **records, jsErrCode *code)
{
	jsSubOptions options;
	natsStatus status;

	jsSubOptions_Init(&options);
	options.Stream = q->places.log;
	options.Config.AckPolicy = js_AckNone;
	options.Config.FlowControl = true;
	options.Config.Heartbeat = 5 * SECOND; /* flow control needs it */
	status = js_SubscribeSync(records, q->connection.js, q->places.log_record, NULL, &options,
	                          code);
	return status == NATS_OK ? natsSubscription_SetPendingLimits(*records, -1, -1) : status;
}

/* Returns the number of the record in the log, or 0 if a record before it is missing. delivered:
 * how many records came before. */
static uint64_t log_number(natsMsg *record, uint64_t *delivered)
{
	jsMsgMetaData *data = NULL;
	uint64_t number = 0;

	if (natsMsg_GetMetaData(&data, record) == NATS_OK &&
	    data->Sequence.Consumer == ++*delivered)
		number = data->Sequence.Stream;
	jsMsgMetaData_Destroy(data);
	return number;
}

/* Reads the log up to and including record number last. newest: raised to the newest position in
 * the records. */
static int log_read(struct spmcq_remote *q, struct positions *reported, uint64_t *newest,
                    uint64_t last)
{
	natsSubscription *records = NULL;
	jsErrCode code = 0;
	natsStatus status = log_subscribe(q, &records, &code);
	uint64_t delivered = 0, at = 0;

	while (status == NATS_OK && at < last) {
		natsMsg *record = NULL;

		status = natsSubscription_NextMsg(&record, records, q->settings.options.answer_ms);
		if (status == NATS_OK && (at = log_number(record, &delivered)) == 0)
			status = NATS_CONNECTION_DISCONNECTED;
		if (status == NATS_OK)
			log_note_record(reported, newest, record);
		natsMsg_Destroy(record);
	}
	connection_unsubscribe(&q->connection, records);
	return fault_of(q->places.log, status, code);
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

/* again: set to the positions of items that the server has although they were reported; the caller
 * clears it. It may also have positions of items that the server does not have, because the server
 * does not name all positions that it does not have. newest: set to the newest position in the log,
 * or to 0 if the log is empty. */
static int log_find_again(struct spmcq_remote *q, struct positions *again, uint64_t *newest)
{
	struct positions kept = {.n = 0};
	uint64_t last;
	int error = log_ask_last(q, &last);

	*newest = 0;
	*again = kept;
	if (error == 0 && last > 0)
		error = log_ask_kept(q, &kept);
	if (error == 0 && last > 0)
		error = positions_make(again, kept.first, kept.n);
	if (error == 0 && last > 0)
		error = log_read(q, again, newest, last);
	for (uint64_t i = 0; again->bits && i < again->n / 8 + 1; i++)
		again->bits[i] &= kept.bits[i];
	positions_clear(&kept);
	if (error)
		positions_clear(again);
	return error;
}

/* True if a producer has repaired the queue since the server with that id was started. */
static bool log_is_mended(struct spmcq_remote *q, const char *id)
{
	natsMsg *note = NULL;
	bool is = js_GetLastMsg(&note, q->connection.js, q->places.log, q->places.log_mended, NULL,
	                        NULL) == NATS_OK &&
	          strcmp(natsMsg_GetData(note), id) == 0;

	natsMsg_Destroy(note);
	return is;
}

/* The id is published with its final 0, as log_is_mended() reads it. If this fails, other handles
 * repeat the repair. */
INTERNAL void log_note_mended(struct spmcq_remote *q)
{
	struct log *log = &q->log;

	pthread_mutex_lock(&log->lock);
	log->is_mended = true;
	(void)js_Publish(NULL, q->connection.js, q->places.log_mended, log->server,
	                 (int)strlen(log->server) + 1, NULL, NULL);
	pthread_mutex_unlock(&log->lock);
}

/* The lock is held. */
static int log_learn(struct spmcq_remote *q, const char *id)
{
	struct positions again = {.n = 0};
	struct log *log = &q->log;
	bool is_mended = log_is_mended(q, id);
	uint64_t newest = 0;
	int error = is_mended ? 0 : log_find_again(q, &again, &newest);

	if (error)
		return error;
	positions_clear(&log->again);
	log->again = again;
	log->newest = newest;
	log->is_mended = log->is_clean = is_mended;
	strcpy(log->server, id);
	return 0;
}

/* Returns 0 when this handle knows which items on its server were reported before that server was
 * started. A server has another id after each start. */
INTERNAL int log_know(struct spmcq_remote *q)
{
	struct log *log = &q->log;
	unsigned refused = atomic_load(&q->connection.refused);
	char id[sizeof(log->server)];
	int error;

	if (!log->is_kept || q->is_replicated)
		return 0;
	if (natsConnection_GetConnectedServerId(q->connection.nats, id, sizeof(id)) != NATS_OK ||
	    !id[0])
		return fault(-ENOTCONN, "not connected");
	pthread_mutex_lock(&log->lock);
	error = strcmp(id, log->server) == 0 ? 0 : log_learn(q, id);
	pthread_mutex_unlock(&log->lock);
	return connection_fault(&q->connection, refused, error);
}

/* Returns false if a producer has repaired the queue since the server was started. newest: set to
 * the newest position that was reported before that start. */
INTERNAL bool log_is_to_mend(struct spmcq_remote *q, uint64_t *newest)
{
	struct log *log = &q->log;
	bool is;

	pthread_mutex_lock(&log->lock);
	is = log->server[0] && !log->is_mended;
	*newest = log->newest;
	pthread_mutex_unlock(&log->lock);
	return is;
}

/* True if the item was reported before the server was started. */
INTERNAL bool log_has(struct spmcq_remote *q, uint64_t position)
{
	bool has;

	pthread_mutex_lock(&q->log.lock);
	has = positions_have(&q->log.again, position);
	pthread_mutex_unlock(&q->log.lock);
	return has;
}

/* Removes the items that were reported before the server was started and that it has all the same;
 * then asks as server_ask_stream() does. */
INTERNAL int log_ask_stream(struct spmcq_remote *q, struct stream_state *state)
{
	unsigned refused = atomic_load(&q->connection.refused);
	struct log *log = &q->log;
	int error = log_know(q);

	pthread_mutex_lock(&log->lock);
	if (error == 0 && log->server[0] && !log->is_clean) {
		error = remove_items(q, &log->again);
		log->is_clean = error == 0;
	}
	pthread_mutex_unlock(&log->lock);
	error = connection_fault(&q->connection, refused, error);
	return error ? error : server_ask_stream(q, state);
}

/* Removes the records up to that number. If this fails, they are removed with later records. */
static void log_cut(struct spmcq_remote *q, uint64_t record)
{
	jsOptions options;

	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	/* and not log_mended, the subject of the note */
	options.Stream.Purge.Subject = q->places.log_record;
	options.Stream.Purge.Sequence = record + 1;
	(void)js_PurgeStream(q->connection.js, q->places.log, &options, NULL);
}

/* Old records are removed in three steps. (1) Store the number of the newest record, and the newest
 * position that was delivered. No record up to that number has a later position. (2) Wait until all
 * items up to that position are finished and their files are gone. (3) Remove the records up to
 * that number. Each call takes one step at most. record: the number of a record that was just
 * stored. */
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
