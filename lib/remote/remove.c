/*
 * Removes items that were reported, by their positions. It sends up to REMOVALS_MOST requests
 * before it waits for their answers, because a round trip takes much longer than one removal.
 *
 * The server's call that removes all items up to a position cannot be used. In servers before
 * 2.9.15 it makes the durable consumer forget all items that are held. Servers before 2.9.16 may
 * keep a file of removed items after it, and then read the whole file for each item.
 */
#include "remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { REMOVALS_MOST = 256 }; /* requests that are sent before their answers are waited for */

struct removals {
	struct spmcq_remote *q;
	char subject[PLACE_MOST + 32];
	natsInbox *inbox;
	natsSubscription *answers;
	size_t open; /* requests without an answer */
};

static natsStatus removals_begin(struct removals *removals)
{
	natsStatus status = natsInbox_Create(&removals->inbox);

	snprintf(removals->subject, sizeof(removals->subject), "$JS.API.STREAM.MSG.DELETE.%s",
	         removals->q->places.stream);
	if (status == NATS_OK)
		status = natsConnection_SubscribeSync(
		        &removals->answers, removals->q->connection.nats, removals->inbox);
	return status;
}

static natsStatus removals_send(struct removals *removals, uint64_t position)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"seq\":%" PRIu64 ",\"no_erase\":true}", position);
	removals->open++;
	return natsConnection_PublishRequestString(removals->q->connection.nats, removals->subject,
	                                           removals->inbox, body);
}

/* True if the server does not have the item any more. Another handle may have removed it first. */
static bool removals_agree(natsMsg *answer)
{
	static const char *const gone[] = {"\"success\":true", "\"err_code\":10037",
	                                   "\"err_code\":10043", "\"err_code\":10057"};
	char text[512];

	snprintf(text, sizeof(text), "%.*s", natsMsg_GetDataLength(answer),
	         natsMsg_GetData(answer));
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		if (strstr(text, gone[i]))
			return true;
	return false;
}

static natsStatus removals_await(struct removals *removals)
{
	natsStatus status = NATS_OK;

	for (; removals->open > 0 && status == NATS_OK; removals->open--) {
		natsMsg *answer = NULL;

		status = natsSubscription_NextMsg(&answer, removals->answers,
		                                  removals->q->settings.options.answer_ms);
		if (status == NATS_OK && !removals_agree(answer))
			status = NATS_NO_RESPONDERS; /* the server may remove it when asked again */
		natsMsg_Destroy(answer);
	}
	return status;
}

INTERNAL int remove_items(struct spmcq_remote *q, const struct positions *set)
{
	struct removals removals = {.q = q};
	natsStatus status = NATS_OK;

	if (set->n > 0)
		status = removals_begin(&removals);
	for (uint64_t i = 0; i < set->n && status == NATS_OK; i++) {
		if (positions_have(set, set->first + i))
			status = removals_send(&removals, set->first + i);
		if (status == NATS_OK && (removals.open == REMOVALS_MOST || i + 1 == set->n))
			status = removals_await(&removals);
	}
	connection_unsubscribe(&q->connection, removals.answers);
	natsInbox_Destroy(removals.inbox);
	return fault_of("remove", status, 0);
}
