/*
 * An item as the bytes of a message, and back. All that is put, got or compared goes through here,
 * so that what travels can be another thing than the item itself: it is here that a seal belongs.
 */
#include "remote.h"

#include <stdlib.h>
#include <string.h>

/* subject: where to; the caller frees the message. */
INTERNAL natsStatus payload_wrap(natsMsg **message, const char *subject, const void *item,
                                 size_t item_size)
{
	return natsMsg_Create(message, subject, NULL, item, (int)item_size);
}

/* Returns false, and leaves the item alone, if nobody who puts items sends this. */
INTERNAL bool payload_open(void *item, const natsMsg *message, size_t item_size)
{
	if ((size_t)natsMsg_GetDataLength(message) != item_size)
		return false;
	memcpy(item, natsMsg_GetData(message), item_size);
	return true;
}

/* How often a message was delivered, and its position: from where it is acknowledged,
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
