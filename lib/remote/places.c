/*
 * The names of a queue's streams and subjects on the server. They are built from the queue's name.
 */
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* All consumers of a queue share this durable consumer of the server. */
#define DURABLE "consumers"
#define LEASE_KEY "producer"

static bool is_name(const char *name)
{
	size_t length = strlen(name);

	return length >= 1 && length <= NAME_MOST &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
	               length;
}

INTERNAL int places_of(struct places *places, const char *name)
{
	if (!is_name(name))
		return fault(-EINVAL, "a queue's name has 1 to %d of A-Z a-z 0-9 _ -", NAME_MOST);
	snprintf(places->stream, PLACE_MOST, "spmcq-%s", name);
	snprintf(places->item, PLACE_MOST, "spmcq.%s.item", name);
	snprintf(places->closed, PLACE_MOST, "spmcq.%s.closed", name);
	snprintf(places->bell, PLACE_MOST, "spmcq.%s.bell", name);
	snprintf(places->aside, PLACE_MOST, "spmcq-%s-aside", name);
	snprintf(places->aside_item, PLACE_MOST, "spmcq.%s.aside", name);
	snprintf(places->log, PLACE_MOST, "spmcq-%s-done", name);
	snprintf(places->log_record, PLACE_MOST, "spmcq.%s.done", name);
	snprintf(places->log_mended, PLACE_MOST, "spmcq.%s.mended", name);
	snprintf(places->bucket, PLACE_MOST, "spmcq-%s", name);
	snprintf(places->next, sizeof(places->next), "$JS.API.CONSUMER.MSG.NEXT.%s." DURABLE,
	         places->stream);
	return 0;
}
