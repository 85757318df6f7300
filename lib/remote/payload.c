/*
 * An item as the bytes of a message, and back. All that is put, got or compared goes through here,
 * so that what travels can be another thing than the item itself: it is here that a seal belongs.
 */
#include "remote.h"

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
