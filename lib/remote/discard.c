/*
 * A shutdown that throws away the queued items: the caller gets them, as a consumer does, and
 * reports them. An item that a consumer gets meanwhile belongs to that consumer, and is unfinished
 * until the consumer reports it.
 */
#include "remote.h"

#include <errno.h>

/* Time between two attempts while items are queued but the server delivers none. */
#define DISCARD_NAP (2 * MS)

/* Returns how many items were thrown away, or an error. */
static ssize_t discard_some(struct desk *desk)
{
	ssize_t n = get_with(desk, NULL, RUN_MOST, limit_try);
	int error = n > 0 ? report(desk, (size_t)n) : 0;

	return error ? error : n;
}

/* Returns 0 when nothing is queued. Returns -EIO if items are queued but the server delivers none
 * for 2 * answer_ms. */
static int discard_all(struct desk *desk)
{
	struct spmcq_remote *q = desk->q;
	struct limit limit = limit_in(2 * q->settings.options.answer_ms * MS);
	struct consumer_state state = {.queued = 1};

	while (state.queued > 0) {
		ssize_t n = discard_some(desk);
		int error = n < 0 ? (int)n : 0;

		if (n > 0)
			limit = limit_in(2 * q->settings.options.answer_ms * MS);
		if (error == -EAGAIN)
			error = server_ask_consumer(q, &state);
		if (error == -ESHUTDOWN)
			return 0;
		if (error && (error != -ENOTCONN || limit_is_over(limit)))
			return error;
		if (n <= 0 && limit_is_over(limit))
			return fault(-EIO, "the server does not deliver the queued items");
		if (n <= 0)
			limit_sleep(limit, DISCARD_NAP);
	}
	return 0;
}

int spmcq_remote_shutdown_now(struct spmcq_remote *q)
{
	struct desk *desk;
	int error = spmcq_remote_shutdown(q);

	if (error)
		return error;
	desk = calloc(1, sizeof(*desk));
	if (!desk)
		return fault(-ENOMEM, "no memory");
	desk->q = q;
	atomic_fetch_add(&q->inside, 1);
	error = server_lift_limit(q);
	if (error == 0)
		error = discard_all(desk);
	desk_end(desk);
	atomic_fetch_sub(&q->inside, 1);
	return error;
}
