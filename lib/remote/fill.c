/*
 * Makes sure that the server gives no position to two items.
 *
 * A server 2.9 that is killed just when the last item was removed may start again with a newest
 * position that is too old, and give later positions a second time. Items at such positions would
 * be lost: the durable consumer does not deliver a position twice, and the log of reports says that
 * the items there were reported. So before the producer goes on, it puts fillers to these
 * positions, and removes them. A filler is an empty message; an item never is empty.
 */
#include "remote.h"

#include <errno.h>

/* Puts a filler to each position from last + 1 to newest. */
static natsStatus fill_put(struct spmcq_remote *q, uint64_t last, uint64_t newest)
{
	jsPubOptions options;
	natsStatus status = NATS_OK;

	jsPubOptions_Init(&options);
	for (; last < newest && status == NATS_OK; last++) {
		options.ExpectLastSeq = last;
		status = js_PublishAsync(q->connection.js, q->places.item, NULL, 0, &options);
	}
	options.MaxWait = q->settings.options.answer_ms;
	return status == NATS_OK ? js_PublishAsyncComplete(q->connection.js, &options) : status;
}

static int fill(struct spmcq_remote *q, uint64_t last, uint64_t newest)
{
	struct positions fillers;
	struct stream_state state;
	int error = fault_of("fill", fill_put(q, last, newest), 0);

	if (error == 0)
		error = server_ask_stream(q, &state);
	if (error == 0 && state.last < newest)
		error = fault(-ENOTCONN, "the server did not keep all fillers");
	if (error == 0)
		error = positions_make(&fillers, last + 1, newest - last);
	if (error)
		return error;
	for (uint64_t position = last + 1; position <= newest; position++)
		positions_add(&fillers, position);
	error = remove_items(q, &fillers);
	positions_clear(&fillers);
	return error;
}

/* Called by the producer. last: the newest position that the server knows of; newest: the newest
 * position in the log of reports. Returns 0 once the next position is one that no item ever had. */
INTERNAL int fill_positions(struct spmcq_remote *q, uint64_t last, uint64_t newest)
{
	struct producer *producer = &q->producer;
	struct consumer_state consumer;
	int error = server_ask_consumer(q, &consumer);

	if (error)
		return error;
	if (newest < producer->last)
		newest = producer->last;
	if (newest < consumer.delivered)
		newest = consumer.delivered;
	if (last < newest)
		error = fill(q, last, newest);
	if (error == 0)
		producer->last = last < newest ? newest : last;
	return error;
}
