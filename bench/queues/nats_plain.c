/*
 * What a program does that uses the NATS client library by itself: publish, fetch, acknowledge, on
 * the same stream over the same server, with as many items in a message. It has no ids of items, no
 * single producer by a lease, and no log of reports, as spmcq_remote has. So it shows what these
 * cost.
 */
#include <errno.h>
#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nats.h"
#include "queue.h"

enum { NAME_MOST = 48, BATCH_MOST = 1024, WAIT_MS = 5000, FETCH_MS = 100 };

struct plain_queue;

/* A connection. What a consumer has fetched it holds until it acknowledges it. */
struct plain_handle {
	struct plain_queue *queue;
	natsConnection *nats;
	jsCtx *js;
	natsSubscription *fetch;
	natsMsg *held[BATCH_MOST];
	int n;
};

struct plain_queue {
	char name[NAME_MOST];
	struct bench_shape shape;
	size_t per_message;           /* items in a message at most */
	struct plain_handle *handles; /* the producer's, then the consumers' */
	bool is_closed;               /* atomic */
};

static natsStatus plain_connect(struct plain_handle *handle)
{
	natsOptions *options = NULL;
	natsStatus status = natsOptions_Create(&options);

	if (status == NATS_OK)
		status = natsOptions_SetURL(options, nats_url());
	if (status == NATS_OK && nats_ca())
		status = natsOptions_LoadCATrustedCertificates(options, nats_ca());
	if (status == NATS_OK)
		status = natsOptions_SetSendAsap(options, true);
	if (status == NATS_OK)
		status = natsConnection_Connect(&handle->nats, options);
	if (status == NATS_OK)
		status = natsConnection_JetStream(&handle->js, handle->nats, NULL);
	natsOptions_Destroy(options);
	return status;
}

static natsStatus plain_make(struct plain_queue *q, jsCtx *js)
{
	const char *subject = q->name;
	jsStreamConfig stream;
	jsConsumerConfig consumer;
	natsStatus status;

	jsStreamConfig_Init(&stream);
	stream.Name = q->name;
	stream.Subjects = &subject;
	stream.SubjectsLen = 1;
	stream.Retention = js_WorkQueuePolicy;
	stream.MaxMsgs = (int64_t)(q->shape.capacity / q->per_message);
	stream.Discard = js_DiscardNew;
	status = js_AddStream(NULL, js, &stream, NULL, NULL);
	jsConsumerConfig_Init(&consumer);
	consumer.Durable = "consumers";
	consumer.AckPolicy = js_AckExplicit;
	consumer.MaxAckPending = (int64_t)q->shape.capacity;
	if (status == NATS_OK)
		status = js_AddConsumer(NULL, js, q->name, &consumer, NULL, NULL);
	return status;
}

static void destroy(void *queue)
{
	struct plain_queue *q = queue;

	for (size_t i = q->shape.consumers + 1; i-- > 0;) {
		struct plain_handle *handle = &q->handles[i];

		if (i == 0 && handle->js)
			(void)js_DeleteStream(handle->js, q->name, NULL, NULL);
		natsSubscription_Destroy(handle->fetch);
		jsCtx_Destroy(handle->js);
		natsConnection_Destroy(handle->nats);
	}
	free(q->handles);
	free(q);
}

static int create(void **queue, const struct bench_shape *shape)
{
	static unsigned number;
	struct plain_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	snprintf(q->name, sizeof(q->name), "plain-%d-%u", (int)getpid(), number++);
	q->shape = *shape;
	q->per_message = nats_per_message(shape);
	q->handles = calloc(shape->consumers + 1, sizeof(*q->handles));
	if (!q->handles) {
		free(q);
		return -ENOMEM;
	}
	q->handles[0].queue = q;
	if (plain_connect(&q->handles[0]) != NATS_OK ||
	    plain_make(q, q->handles[0].js) != NATS_OK) {
		destroy(q);
		return -ENOTCONN;
	}
	*queue = q;
	return 0;
}

static void *producer(void *queue)
{
	struct plain_queue *q = queue;

	return &q->handles[0];
}

static void *consumer(void *queue, size_t number)
{
	struct plain_queue *q = queue;
	struct plain_handle *handle = &q->handles[number + 1];
	jsSubOptions options;

	handle->queue = q;
	jsSubOptions_Init(&options);
	options.Stream = q->name;
	options.Consumer = "consumers";
	if (plain_connect(handle) != NATS_OK ||
	    js_PullSubscribe(&handle->fetch, handle->js, q->name, "consumers", NULL, &options,
	                     NULL) != NATS_OK)
		return NULL;
	return handle;
}

/* Until there is room. */
static int put(void *handle, const void *item)
{
	struct plain_handle *me = handle;
	jsErrCode code = 0;

	while (js_Publish(NULL, me->js, me->queue->name, item, (int)me->queue->shape.item_size,
	                  NULL, &code) != NATS_OK) {
		if (code != JSStreamStoreFailedErr)
			return -ENOTCONN;
		usleep(200);
	}
	return 0;
}

/* Waits until the server counts fewer messages than there may be. Returns how many more there may
 * be; 0: the server does not answer. */
static size_t await_room(struct plain_handle *me)
{
	size_t most = me->queue->shape.capacity / me->queue->per_message, room = 0;

	while (room == 0) {
		jsStreamInfo *info = NULL;

		if (js_GetStreamInfo(&info, me->js, me->queue->name, NULL, NULL) != NATS_OK)
			return 0;
		room = most - (size_t)info->State.Msgs;
		jsStreamInfo_Destroy(info);
		if (room == 0)
			usleep(200);
	}
	return room;
}

/* As many as there is room for. */
static ssize_t put_many(void *handle, const void *items, size_t n)
{
	struct plain_handle *me = handle;
	size_t item_size = me->queue->shape.item_size, most = me->queue->per_message;
	size_t room = await_room(me);
	jsPubOptions options;

	if (room == 0)
		return -ENOTCONN;
	if (n > room * most)
		n = room * most;
	for (size_t i = 0; i < n; i += most) {
		size_t some = n - i < most ? n - i : most;

		if (js_PublishAsync(me->js, me->queue->name, (const char *)items + i * item_size,
		                    (int)(some * item_size), NULL) != NATS_OK)
			return -ENOTCONN;
	}
	jsPubOptions_Init(&options);
	options.MaxWait = WAIT_MS;
	return js_PublishAsyncComplete(me->js, &options) == NATS_OK ? (ssize_t)n : -ENOTCONN;
}

/* Holds the messages, and copies their items. Returns how many items these are. */
static ssize_t take(struct plain_handle *me, natsMsgList *list, char *items)
{
	size_t size = 0;

	me->n = list->Count;
	for (int i = 0; i < list->Count; i++) {
		size_t bytes = (size_t)natsMsg_GetDataLength(list->Msgs[i]);

		memcpy(items + size, natsMsg_GetData(list->Msgs[i]), bytes);
		size += bytes;
		me->held[i] = list->Msgs[i];
		list->Msgs[i] = NULL;
	}
	natsMsgList_Destroy(list);
	return (ssize_t)(size / me->queue->shape.item_size);
}

/* Asks for as many messages as max items can be. */
static ssize_t get_many(void *handle, void *items, size_t max)
{
	struct plain_handle *me = handle;
	size_t messages = max / me->queue->per_message;
	natsMsgList list = {NULL, 0};
	natsStatus status;

	do {
		if (__atomic_load_n(&me->queue->is_closed, __ATOMIC_SEQ_CST))
			return -ESHUTDOWN;
		status = natsSubscription_Fetch(
		        &list, me->fetch, (int)(messages < BATCH_MOST ? messages : BATCH_MOST),
		        FETCH_MS, NULL);
	} while (status == NATS_TIMEOUT);
	return status == NATS_OK ? take(me, &list, items) : -ENOTCONN;
}

static int get(void *handle, void *item)
{
	ssize_t n = get_many(handle, item, 1);

	return n < 0 ? (int)n : 0;
}

/* Acknowledges the messages that have the n oldest items: a consumer reports what it has got in one
 * call. The last acknowledgement is waited for. */
static int task_done(void *handle, size_t n)
{
	struct plain_handle *me = handle;
	natsStatus status = NATS_OK;
	int done = 0;

	for (size_t left = n * me->queue->shape.item_size; left > 0; done++) {
		natsMsg *message = me->held[done];
		natsStatus one;

		left -= (size_t)natsMsg_GetDataLength(message);
		one = left > 0 ? natsMsg_Ack(message, NULL) : natsMsg_AckSync(message, NULL, NULL);
		natsMsg_Destroy(message);
		status = one == NATS_OK ? status : one;
	}
	me->n -= done;
	memmove(me->held, me->held + done, (size_t)me->n * sizeof(*me->held));
	return status == NATS_OK ? 0 : -ENOTCONN;
}

static int join(void *queue)
{
	struct plain_handle *me = producer(queue);
	uint64_t unfinished = 1;

	while (unfinished > 0) {
		jsStreamInfo *info = NULL;

		if (js_GetStreamInfo(&info, me->js, me->queue->name, NULL, NULL) != NATS_OK)
			return -ENOTCONN;
		unfinished = info->State.Msgs;
		jsStreamInfo_Destroy(info);
		if (unfinished > 0)
			usleep(500);
	}
	return 0;
}

static int shut_down(void *queue)
{
	struct plain_queue *q = queue;

	__atomic_store_n(&q->is_closed, true, __ATOMIC_SEQ_CST);
	return 0;
}

extern const struct bench_queue bench_nats_plain;
const struct bench_queue bench_nats_plain = {
        .name = "nats-plain",
        .note = "the NATS client library by itself: publish, fetch, acknowledge",
        .can = BENCH_BULK | BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_JOIN |
               BENCH_YARDSTICK | BENCH_MACHINES,
        .create = create,
        .destroy = destroy,
        .producer = producer,
        .consumer = consumer,
        .put = put,
        .put_many = put_many,
        .get = get,
        .get_many = get_many,
        .task_done = task_done,
        .join = join,
        .shutdown = shut_down,
};
