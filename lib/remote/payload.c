/*
 * Turns items into the bytes of a message, and back. These are the items' own bytes, or the sealed
 * items. Items that are put together are cut into messages of items_per_message; only the last may
 * have fewer.
 */
#include "remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealing.h"

/* The bytes of a message's headers at most: the server counts them, too. publish.c gives it an id
 * of three numbers and the position that it must follow. */
enum { HEADERS_MOST = 160 };

static size_t per_message(const struct spmcq_remote *q)
{
	return q->settings.options.items_per_message;
}

/* Returns how many messages n items take. */
static size_t messages_for(const struct spmcq_remote *q, size_t n)
{
	return n / per_message(q) + (n % per_message(q) > 0);
}

/* Returns how many of n items are in the first messages of that number. */
static size_t items_in(const struct spmcq_remote *q, size_t messages, size_t n)
{
	return messages < messages_for(q, n) ? messages * per_message(q) : n;
}

/* key: set to the id of the queue that the key is for, in hexadecimal; to "" if items are not
 * sealed. */
INTERNAL int payload_begin(struct spmcq_remote *q, const char *queue, char *key)
{
	const struct spmcq_remote_options *options = &q->settings.options;
	int error;

	key[0] = '\0';
	if (!options->sealing && !options->key)
		return 0;
	if (!options->sealing || !options->key)
		return fault(-EINVAL,
		             "give the key by spmcq_remote_seal(), which sets key and sealing");
	q->sealing = options->sealing;
	error = q->sealing->begin(&q->sealer, options->key, queue, key);
	if (error)
		return fault(error, "sealing: error %d", -error);
	q->overhead = q->sealing->overhead(q->sealer);
	return 0;
}

/* Called when items_per_message is known. Returns -EMSGSIZE if the server does not take messages of
 * that many items. */
INTERNAL int payload_reserve(struct spmcq_remote *q)
{
	int64_t most = natsConnection_GetMaxPayload(q->connection.nats);
	size_t size = per_message(q) * q->settings.item_size + q->overhead;

	if ((int64_t)(size + HEADERS_MOST) > most)
		return fault(-EMSGSIZE, "the server takes up to %lld bytes, a message is %zu",
		             (long long)most, size + HEADERS_MOST);
	free(q->producer.sealed);
	q->producer.sealed = q->sealer ? malloc(size) : NULL;
	return q->sealer && !q->producer.sealed ? fault(-ENOMEM, "no memory") : 0;
}

INTERNAL void payload_end(struct spmcq_remote *q)
{
	if (q->sealer)
		q->sealing->end(q->sealer);
	free(q->producer.sealed);
}

/* Makes the message of n items that is to be stored at that position. The caller destroys the
 * message. */
INTERNAL int payload_wrap(natsMsg **message, const struct spmcq_remote *q, const void *items,
                          size_t n, uint64_t position)
{
	size_t size = n * q->settings.item_size;
	natsStatus status;

	if (q->sealer) {
		int error = q->sealing->seal(q->sealer, position, items, size, q->producer.sealed);

		if (error)
			return fault(error, "sealing: error %d", -error);
		items = q->producer.sealed;
	}
	status = natsMsg_Create(message, q->places.item, NULL, items, (int)(size + q->overhead));
	return fault_of("put", status, 0);
}

/* Returns how many items the message has; 0 if no message of this queue has that length. */
INTERNAL size_t payload_count(const struct spmcq_remote *q, natsMsg *message)
{
	size_t size = (size_t)natsMsg_GetDataLength(message);
	size_t n = size > q->overhead ? (size - q->overhead) / q->settings.item_size : 0;

	return n <= per_message(q) && n * q->settings.item_size + q->overhead == size ? n : 0;
}

/* Returns -EBADMSG, and writes no items, if the message does not have n items of this queue. */
INTERNAL int payload_open(const struct spmcq_remote *q, const struct held *held, void *items)
{
	const char *data = natsMsg_GetData(held->message);
	size_t size = (size_t)natsMsg_GetDataLength(held->message);
	int error = held->n > 0 ? 0 : -EBADMSG;

	if (error == 0 && q->sealer)
		error = q->sealing->open(q->sealer, held->position, data, size, items);
	else if (error == 0)
		memcpy(items, data, size);
	return error ? fault(error, "the message at position %llu has no items: error %d",
	                     (unsigned long long)held->position, -error)
	             : 0;
}

/* Reads how often a message was delivered, and its position, from the subject that acknowledges it:
 * $JS.ACK.STREAM.CONSUMER.DELIVERIES.POSITION..., or with two more words before STREAM. */
INTERNAL bool read_reply(const char *reply, unsigned *deliveries, uint64_t *position)
{
	const char *word[12];
	size_t n = 0;

	for (; reply && n < 12; n++) {
		word[n] = reply;
		reply = strchr(reply, '.');
		reply = reply ? reply + 1 : NULL;
	}
	if (n < 9 || n == 10)
		return false;
	*deliveries = (unsigned)strtoul(word[n == 9 ? 4 : 6], NULL, 10);
	*position = strtoull(word[n == 9 ? 5 : 7], NULL, 10);
	return *deliveries > 0;
}
