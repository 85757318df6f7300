/*
 * Turns an item into the bytes of a message, and back. These are the item's own bytes, or the
 * sealed item.
 */
#include "remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealing.h"

/* key: set to the id of the queue that the key is for, in hexadecimal; to "" if items are not
 * sealed. */
INTERNAL int payload_begin(struct spmcq_remote *q, const char *queue, char *key)
{
	const struct spmcq_remote_options *options = &q->settings.options;
	int error;

	key[0] = '\0';
	q->payload_size = q->settings.item_size;
	if (!options->sealing && !options->key)
		return 0;
	if (!options->sealing || !options->key)
		return fault(-EINVAL,
		             "give the key by spmcq_remote_seal(), which sets key and sealing");
	q->sealing = options->sealing;
	error = q->sealing->begin(&q->sealer, options->key, queue, q->settings.item_size, key);
	if (error)
		return fault(error, "sealing: error %d", -error);
	q->payload_size = q->sealing->size(q->sealer);
	q->producer.sealed = malloc(q->payload_size);
	return q->producer.sealed ? 0 : fault(-ENOMEM, "no memory");
}

INTERNAL void payload_end(struct spmcq_remote *q)
{
	if (q->sealer)
		q->sealing->end(q->sealer);
	free(q->producer.sealed);
}

/* Makes the message for an item that is to be stored at that position. The caller destroys the
 * message. */
INTERNAL int payload_wrap(natsMsg **message, const struct spmcq_remote *q, const void *item,
                          uint64_t position)
{
	natsStatus status;

	if (q->sealer) {
		int error = q->sealing->seal(q->sealer, position, item, q->producer.sealed);

		if (error)
			return fault(error, "sealing: error %d", -error);
		item = q->producer.sealed;
	}
	status = natsMsg_Create(message, q->places.item, NULL, item, (int)q->payload_size);
	return fault_of("put", status, 0);
}

/* Returns -EBADMSG, and does not write to item, if the message is no item of this queue. */
INTERNAL int payload_open(const struct spmcq_remote *q, const struct held *held, void *item)
{
	const char *data = natsMsg_GetData(held->message);
	size_t size = (size_t)natsMsg_GetDataLength(held->message);
	int error = size == q->payload_size ? 0 : -EBADMSG;

	if (error == 0 && q->sealer)
		error = q->sealing->open(q->sealer, held->position, data, size, item);
	else if (error == 0)
		memcpy(item, data, size);
	return error ? fault(error, "the message at position %llu is no item: error %d",
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
