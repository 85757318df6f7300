/*
 * Opens and closes handles, and deletes queues.
 */
#include "remote.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	ANSWER_MS = 5000,
	ACK_WAIT_MS = 30000,
	DELIVERIES = 5,
	DUPLICATE_MS = 120000,
	LEASE_MS = 10000,
	LEASE_LEAST_MS = 300, /* the server deletes keys of a bucket after 100 ms at the earliest */
};

static unsigned or_else(unsigned value, unsigned otherwise)
{
	return value ? value : otherwise;
}

static int settle_options(struct settings *settings, const struct spmcq_remote_options *given)
{
	struct spmcq_remote_options *options = &settings->options;

	if (given)
		*options = *given;
	options->items_per_message = or_else(options->items_per_message, 1);
	options->answer_ms = or_else(options->answer_ms, ANSWER_MS);
	options->replicas = or_else(options->replicas, 1);
	options->ack_wait_ms = or_else(options->ack_wait_ms, ACK_WAIT_MS);
	options->max_deliveries = or_else(options->max_deliveries, DELIVERIES);
	options->duplicate_window_ms = or_else(options->duplicate_window_ms, DUPLICATE_MS);
	options->lease_ms = or_else(options->lease_ms, LEASE_MS);
	if (options->max_unacknowledged == 0 || options->max_unacknowledged > settings->capacity)
		options->max_unacknowledged = settings->capacity;
	if (options->lease_ms < LEASE_LEAST_MS)
		return fault(-EINVAL, "a lease of less than %d ms", LEASE_LEAST_MS);
	if (!options->cert_file != !options->key_file || !options->nkey != !options->nkey_seed_file)
		return fault(-EINVAL, "a certificate without its key, or an nkey without its seed");
	return 0;
}

static int settle(struct settings *settings, size_t capacity, size_t item_size,
                  const struct spmcq_remote_options *options)
{
	unsigned per_message;
	int error;

	if (capacity == 0 || item_size == 0)
		return fault(-EINVAL, "capacity and item_size must be at least 1");
	if (item_size > INT_MAX || capacity > INT64_MAX / item_size)
		return fault(-EOVERFLOW, "too many items, or too large");
	settings->capacity = capacity;
	settings->item_size = item_size;
	error = settle_options(settings, options);
	per_message = settings->options.items_per_message;
	if (error == 0 && capacity % per_message != 0)
		error = fault(-EINVAL, "capacity is no multiple of items_per_message");
	if (error == 0 && per_message > INT_MAX / item_size)
		error = fault(-EOVERFLOW, "too many items in a message");
	return error;
}

static int start_jetstream(struct spmcq_remote *q)
{
	jsOptions options;
	natsStatus status;

	jsOptions_Init(&options);
	options.Wait = q->settings.options.answer_ms;
	options.PublishAsync.MaxPending = RUN_MOST;
	options.PublishAsync.AckHandler = publish_answered;
	options.PublishAsync.AckHandlerClosure = &q->producer.run;
	status = natsConnection_JetStream(&q->connection.js, q->connection.nats, &options);
	return fault_of("JetStream", status, 0);
}

static int open_all(struct spmcq_remote *q, const char *url)
{
	int error = connection_open(&q->connection, url, &q->settings.options);

	if (error == 0)
		error = start_jetstream(q);
	/* Listens to the bell before it asks the server. So a later shutdown causes a message, and
	 * an earlier one is in the answer. */
	if (error == 0)
		error = connection_listen(&q->connection, q->places.bell);
	if (error == 0)
		error = server_open(q);
	return error;
}

static void forget_pointers(struct spmcq_remote_options *options)
{
	options->ca_file = options->server_name = options->cert_file = options->key_file = NULL;
	options->nkey = options->nkey_seed_file = options->credentials_file = NULL;
	options->sealing = NULL;
	options->key = NULL;
}

static void end(struct spmcq_remote *q)
{
	desks_end_of_handle(q);
	producer_destroy(&q->producer);
	if (q->connection.nats && connection_is_up(&q->connection))
		(void)natsConnection_FlushTimeout(q->connection.nats, LINGER_MS);
	connection_close(&q->connection);
	payload_end(q);
	positions_clear(&q->log.again);
	pthread_mutex_destroy(&q->log.lock);
	free(q);
}

int spmcq_remote_open(struct spmcq_remote **out, const char *url, const char *name, size_t capacity,
                      size_t item_size, const struct spmcq_remote_options *options)
{
	struct spmcq_remote *q;
	int error;

	if (!out || !url || !name)
		return fault(-EINVAL, "no queue, url or name");
	q = calloc(1, sizeof(*q));
	if (!q)
		return fault(-ENOMEM, "no memory");
	error = places_of(&q->places, name);
	if (error == 0)
		error = settle(&q->settings, capacity, item_size, options);
	if (error == 0)
		error = payload_begin(q, name, q->settings.key);
	if (error) {
		payload_end(q);
		free(q);
		return error;
	}
	producer_init(&q->producer);
	pthread_mutex_init(&q->log.lock, NULL);
	error = open_all(q, url);
	forget_pointers(&q->settings.options);
	if (error)
		end(q);
	else
		*out = q;
	return error;
}

int spmcq_remote_close(struct spmcq_remote *q)
{
	if (q && atomic_load(&q->inside) > 0)
		return fault(-EBUSY, "a thread is inside a call");
	if (q)
		end(q);
	return 0;
}

int spmcq_remote_delete(struct spmcq_remote *q)
{
	return q ? server_delete(q) : fault(-EINVAL, "no queue");
}
