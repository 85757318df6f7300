/*
 * The queue on the server: how it is made, found, asked and removed.
 *
 * A stream keeps each item until it is acknowledged. The stream has no limit of items; the producer
 * counts them (see put.c). One durable consumer of the stream delivers the items. The queue is open
 * as long as the stream has the subject of items; shutdown gives it another subject. From then on
 * the server itself refuses all puts, from any machine.
 */
#include "remote.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { WAITING_MOST = 65536 }; /* gets, of all handles, that may wait at the same time */

/* What the server answered about the stream. */
struct stream_state {
	uint64_t unfinished;
	uint64_t first; /* the position of the oldest unfinished item; last + 1 if there is none */
	uint64_t last;  /* the newest position that an item ever had */
	bool is_closed;
};

/* What the server answered about the durable consumer. */
struct consumer_state {
	uint64_t queued; /* not delivered yet */
	uint64_t held;   /* delivered, and not acknowledged */
	uint64_t redelivered;
	uint64_t delivered; /* the newest position delivered */
};

static bool listens_to(const jsStreamConfig *config, const char *subject)
{
	for (int i = 0; i < config->SubjectsLen; i++)
		if (strcmp(config->Subjects[i], subject) == 0)
			return true;
	return false;
}

/* A call of the client library that gets no answer may have used a subject that the server
 * refuses. */
static int server_fault(struct spmcq_remote *q, unsigned refused, const char *what,
                        natsStatus status, jsErrCode code)
{
	return connection_fault(&q->connection, refused, fault_of(what, status, code));
}

/* A server that is cut off from the cluster may still act as the leader, and answer with old
 * numbers. Returns false if this handle knows of a newer position than last. */
static bool is_up_to_date(struct spmcq_remote *q, uint64_t last)
{
	uint64_t seen = atomic_load(&q->seen);

	while (seen < last && !atomic_compare_exchange_weak(&q->seen, &seen, last))
		;
	return !q->is_replicated || seen <= last;
}

INTERNAL int server_ask_stream(struct spmcq_remote *q, struct stream_state *state)
{
	unsigned refused = atomic_load(&q->connection.refused);
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status =
	        js_GetStreamInfo(&info, q->connection.js, q->places.stream, NULL, &code);

	if (status != NATS_OK)
		return server_fault(q, refused, q->places.stream, status, code);
	*state = (struct stream_state){.unfinished = info->State.Msgs,
	                               .first = info->State.FirstSeq,
	                               .last = info->State.LastSeq,
	                               .is_closed = !listens_to(info->Config, q->places.item)};
	jsStreamInfo_Destroy(info);
	if (!is_up_to_date(q, state->last))
		return fault(-ENOTCONN, "the server that answers is cut off from the others");
	if (state->is_closed)
		atomic_store(&q->is_closed, true);
	return 0;
}

INTERNAL int server_ask_consumer(struct spmcq_remote *q, struct consumer_state *state)
{
	unsigned refused = atomic_load(&q->connection.refused);
	jsConsumerInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status =
	        js_GetConsumerInfo(&info, q->connection.js, q->places.stream, DURABLE, NULL, &code);

	if (status != NATS_OK)
		return server_fault(q, refused, q->places.stream, status, code);
	*state = (struct consumer_state){.queued = info->NumPending,
	                                 .held = (uint64_t)info->NumAckPending,
	                                 .redelivered = (uint64_t)info->NumRedelivered,
	                                 .delivered = info->Delivered.Stream};
	jsConsumerInfo_Destroy(info);
	return 0;
}

INTERNAL int server_ask_aside(struct spmcq_remote *q, uint64_t *set_aside)
{
	unsigned refused = atomic_load(&q->connection.refused);
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status = js_GetStreamInfo(&info, q->connection.js, q->places.aside, NULL, &code);

	if (status != NATS_OK)
		return server_fault(q, refused, q->places.aside, status, code);
	*set_aside = info->State.Msgs;
	jsStreamInfo_Destroy(info);
	return 0;
}

/* The server stores this text with the stream, followed by the name of the key, and by PACKED if
 * messages may have more than one item. The handles of a queue must agree on capacity, item size
 * and key; the other options are those of the handle that made the queue. */
#define DESCRIPTION                                                                                \
	"spmcq for %zu items of %zu bytes, set aside after %u deliveries, lease %u ms, key "
#define PLAIN "none"
#define PACKED ", %u items in a message"

static const char *key_name(const struct settings *settings)
{
	return settings->key[0] ? settings->key : PLAIN;
}

static void describe(char *text, size_t size, const struct settings *settings)
{
	const struct spmcq_remote_options *options = &settings->options;
	size_t n = (size_t)snprintf(text, size, DESCRIPTION "%s", settings->capacity,
	                            settings->item_size, options->max_deliveries, options->lease_ms,
	                            key_name(settings));

	if (options->items_per_message > 1)
		snprintf(text + n, size - n, PACKED, options->items_per_message);
}

static void fill_stream(jsStreamConfig *config, struct spmcq_remote *q, const char *description,
                        const char **subject)
{
	const struct spmcq_remote_options *options = &q->settings.options;

	jsStreamConfig_Init(config);
	config->Name = q->places.stream;
	config->Description = description;
	config->Subjects = subject;
	config->SubjectsLen = 1;
	config->Retention = js_WorkQueuePolicy;
	config->Storage = options->in_memory ? js_MemoryStorage : js_FileStorage;
	config->Replicas = options->replicas;
	config->Duplicates = options->duplicate_window_ms * MS;
}

static int make_stream(struct spmcq_remote *q)
{
	const char *subject = q->places.item;
	jsStreamConfig config;
	char description[256];
	jsErrCode code = 0;
	natsStatus status;

	describe(description, sizeof(description), &q->settings);
	fill_stream(&config, q, description, &subject);
	status = js_AddStream(NULL, q->connection.js, &config, NULL, &code);
	/* Another handle made the stream at the same time with other options; find() compares
	 * them. */
	if (status != NATS_OK && code == JSStreamNameExistErr)
		return 0;
	return fault_of(q->places.stream, status, code);
}

/* A plain stream without limits. */
static int make_plain(struct spmcq_remote *q, const char *name, const char **subjects, int n)
{
	const struct spmcq_remote_options *options = &q->settings.options;
	jsStreamConfig config;
	jsErrCode code = 0;
	natsStatus status;

	jsStreamConfig_Init(&config);
	config.Name = name;
	config.Subjects = subjects;
	config.SubjectsLen = n;
	config.Storage = options->in_memory ? js_MemoryStorage : js_FileStorage;
	config.Replicas = options->replicas;
	config.Duplicates = options->duplicate_window_ms * MS;
	status = js_AddStream(NULL, q->connection.js, &config, NULL, &code);
	if (status != NATS_OK && code == JSStreamNameExistErr)
		return 0;
	return fault_of(name, status, code);
}

static bool needs_log(bool in_memory, int64_t replicas)
{
	return !in_memory || replicas > 1;
}

static int make_log(struct spmcq_remote *q)
{
	const char *subjects[] = {q->places.log_record, q->places.log_mended};
	const struct spmcq_remote_options *options = &q->settings.options;

	if (!needs_log(options->in_memory, options->replicas))
		return 0;
	return make_plain(q, q->places.log, subjects, 2);
}

/* The server itself delivers an item again without limit. The thread that gets an item which was
 * delivered more than max_deliveries times sets it aside. */
static int make_consumer(struct spmcq_remote *q)
{
	const struct spmcq_remote_options *options = &q->settings.options;
	jsConsumerConfig config;
	jsErrCode code = 0;
	natsStatus status;

	jsConsumerConfig_Init(&config);
	config.Durable = DURABLE;
	config.AckPolicy = js_AckExplicit;
	config.AckWait = options->ack_wait_ms * MS;
	config.MaxDeliver = -1;
	config.MaxAckPending = (int64_t)messages_for(q, options->max_unacknowledged);
	config.MaxWaiting = WAITING_MOST;
	status = js_AddConsumer(NULL, q->connection.js, q->places.stream, &config, NULL, &code);
	if (status != NATS_OK && code == JSConsumerNameExistErr)
		return 0;
	return fault_of(DURABLE, status, code);
}

/* Called after shutdown. From now on all queued items can be held at the same time. */
INTERNAL int server_lift_limit(struct spmcq_remote *q)
{
	int64_t most = (int64_t)messages_for(q, q->settings.capacity);
	unsigned refused = atomic_load(&q->connection.refused);
	jsConsumerInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status =
	        js_GetConsumerInfo(&info, q->connection.js, q->places.stream, DURABLE, NULL, &code);

	if (status == NATS_OK && info->Config->MaxAckPending < most) {
		jsConsumerConfig config = *info->Config; /* as it was made */

		config.MaxAckPending = most;
		status = js_UpdateConsumer(NULL, q->connection.js, q->places.stream, &config, NULL,
		                           &code);
	}
	jsConsumerInfo_Destroy(info);
	return server_fault(q, refused, q->places.stream, status, code);
}

static int make_bucket(struct spmcq_remote *q)
{
	const struct spmcq_remote_options *options = &q->settings.options;
	kvStore *bucket = NULL;
	kvConfig config;
	natsStatus status;

	kvConfig_Init(&config);
	config.Bucket = q->places.bucket;
	config.History = 1;
	config.TTL = options->lease_ms * MS;
	config.StorageType = options->in_memory ? js_MemoryStorage : js_FileStorage;
	config.Replicas = (int)options->replicas;
	status = js_CreateKeyValue(&bucket, q->connection.js, &config);
	kvStore_Destroy(bucket);
	if (status == NATS_ERR) { /* the bucket exists with other options */
		status = js_KeyValue(&bucket, q->connection.js, q->places.bucket);
		kvStore_Destroy(bucket);
	}
	return fault_of(q->places.bucket, status, 0);
}

/* The stream is made after the other parts, so that all of them exist once the stream does. Only
 * the consumer is made after the stream, because it belongs to the stream. */
static int make(struct spmcq_remote *q)
{
	const char *aside = q->places.aside_item;
	int error = make_plain(q, q->places.aside, &aside, 1);

	if (error == 0)
		error = make_log(q);
	if (error == 0)
		error = make_bucket(q);
	if (error == 0)
		error = make_stream(q);
	if (error == 0)
		error = make_consumer(q);
	return error;
}

/* Reads what follows the name of the key. Returns 0 if that is not of a queue with this capacity.
 */
static unsigned read_packed(const char *text, const struct settings *settings)
{
	unsigned packed = 1;
	int end = 0;

	if (!*text)
		return 1;
	if (sscanf(text, PACKED "%n", &packed, &end) != 1 || end == 0 || text[end] || packed == 0 ||
	    settings->capacity % packed != 0 || packed > INT_MAX / settings->item_size)
		return 0;
	return packed;
}

/* Returns 0 if capacity, item size and key are those that the queue was made with, and takes over
 * its other options. Otherwise returns -EEXIST. */
static int agree(struct spmcq_remote *q, const jsStreamConfig *config)
{
	const char *description = config->Description ? config->Description : "";
	size_t capacity = 0, item_size = 0;
	unsigned deliveries = 0, lease = 0, packed = 0;
	size_t key_length = strlen(key_name(&q->settings));
	int key = 0;

	if (sscanf(description, DESCRIPTION "%n", &capacity, &item_size, &deliveries, &lease,
	           &key) == 4 &&
	    key > 0 && strncmp(description + key, key_name(&q->settings), key_length) == 0)
		packed = read_packed(description + key + key_length, &q->settings);
	if (packed == 0 || deliveries == 0 || lease == 0 || item_size != q->settings.item_size ||
	    capacity != q->settings.capacity)
		return fault(-EEXIST, "%s exists with other options: \"%s\"", q->places.stream,
		             description);
	q->settings.options.max_deliveries = deliveries;
	q->settings.options.lease_ms = lease;
	q->settings.options.items_per_message = packed;
	q->is_replicated = config->Replicas > 1;
	q->log.is_kept = needs_log(config->Storage == js_MemoryStorage, config->Replicas);
	return 0;
}

/* Returns 0 if the queue exists with these options, -ENOENT, -EEXIST, or another error. */
static int find(struct spmcq_remote *q)
{
	unsigned refused = atomic_load(&q->connection.refused);
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status =
	        js_GetStreamInfo(&info, q->connection.js, q->places.stream, NULL, &code);
	int error;

	if (status == NATS_NOT_FOUND)
		return fault(-ENOENT, "%s: there is no such queue", q->places.stream);
	if (status != NATS_OK)
		return server_fault(q, refused, q->places.stream, status, code);
	error = agree(q, info->Config);
	if (error == 0 && !listens_to(info->Config, q->places.item))
		atomic_store(&q->is_closed, true);
	jsStreamInfo_Destroy(info);
	return error;
}

/* The handle that made the queue may have ended before it made the consumer. Then this makes it. */
static int find_consumer(struct spmcq_remote *q)
{
	struct consumer_state state;
	int error = server_ask_consumer(q, &state);

	if (error == -ENOENT && !q->settings.options.must_exist)
		error = make_consumer(q);
	return error;
}

INTERNAL int server_open(struct spmcq_remote *q)
{
	int error = find(q);

	if (error == -ENOENT && !q->settings.options.must_exist) {
		error = payload_reserve(q); /* makes no queue whose messages are too large */
		if (error == 0)
			error = make(q);
		if (error == 0)
			error = find(q);
	} else if (error == 0) {
		error = find_consumer(q);
	}
	return error ? error : payload_reserve(q);
}

/* Shuts down: the stream has another subject from now on. */
INTERNAL int server_close(struct spmcq_remote *q)
{
	const char *subject = q->places.closed;
	unsigned refused = atomic_load(&q->connection.refused);
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status =
	        js_GetStreamInfo(&info, q->connection.js, q->places.stream, NULL, &code);

	if (status == NATS_OK && listens_to(info->Config, q->places.item)) {
		jsStreamConfig config = *info->Config; /* as it was made */

		config.Subjects = &subject;
		config.SubjectsLen = 1;
		status = js_UpdateStream(NULL, q->connection.js, &config, NULL, &code);
	}
	jsStreamInfo_Destroy(info);
	return server_fault(q, refused, q->places.stream, status, code);
}

INTERNAL int server_delete(struct spmcq_remote *q)
{
	unsigned refused = atomic_load(&q->connection.refused);
	jsErrCode code = 0;
	natsStatus status = js_DeleteStream(q->connection.js, q->places.stream, NULL, &code);

	if (status == NATS_OK || status == NATS_NOT_FOUND)
		status = js_DeleteStream(q->connection.js, q->places.aside, NULL, &code);
	if (status == NATS_OK || status == NATS_NOT_FOUND)
		status = js_DeleteStream(q->connection.js, q->places.log, NULL, &code);
	if (status == NATS_OK || status == NATS_NOT_FOUND)
		status = js_DeleteKeyValue(q->connection.js, q->places.bucket);
	if (status == NATS_NOT_FOUND)
		status = NATS_OK;
	return server_fault(q, refused, q->places.stream, status, code);
}
