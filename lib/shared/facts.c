/*
 * Facts and snapshots; and the table of all calls.
 */
#include "calls.h"

/* Returns n, limited to 0 ... most, because another process may have written false values. */
static size_t within(int64_t n, uint64_t most)
{
	return n <= 0 ? 0 : (uint64_t)n < most ? (size_t)n : (size_t)most;
}

static uint64_t head_position(const struct handle *h)
{
	/* Sequentially consistent, pairs with claim_items(). */
	return word_position(atomic_load_explicit(&h->two->head, memory_order_seq_cst));
}

static void shared_look(const struct spmcq *q, struct elsewhere_facts *facts)
{
	const struct handle *h = const_handle_of(q);
	uint64_t head, done;

	*facts = (struct elsewhere_facts){
	        .capacity = (size_t)h->layout.capacity,
	        .item_size = h->layout.item_size,
	        .is_shutdown = true,
	};
	if (*h->attached == 0)
		return;
	/* Head and the sum of reports are read before tail, so that neither is greater than what
	 * was put. */
	head = head_position(h);
	done = sum_of_reports(h);
	facts->size = within(position_distance(head, queue_end(h)), h->layout.capacity);
	facts->unfinished = within((int64_t)(sum_of_puts(h) - done), SIZE_MAX);
	facts->is_shutdown = is_closed(h);
}

static uint64_t discarded(const struct handle *h)
{
	/* Relaxed: statistics. */
	uint64_t n = atomic_load_explicit(&h->one->written_off, memory_order_relaxed);

	for (uint32_t i = 0; i < h->layout.processes; i++)
		if (place_is_used(h, i))
			n += atomic_load_explicit(&line_of(h, i)->dropped, memory_order_relaxed);
	return n;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static int shared_stats(const struct spmcq *q, struct spmcq_stats *out)
{
	const struct handle *h = const_handle_of(q);
	int r = handle_status(h);

	if (r != 0)
		return r;
	out->discarded = discarded(h);
	out->done = less(sum_of_reports(h), out->discarded);
	out->got = less((head_position(h) - h->layout.first) & POSITION_ONES, out->discarded);
	out->put = sum_of_puts(h);
	/* Relaxed: statistics. */
	out->consumer_sleeps = atomic_load_explicit(&h->consumer_sleeps, memory_order_relaxed);
	out->producer_sleeps = atomic_load_explicit(&h->producer_sleeps, memory_order_relaxed);
	out->joiner_sleeps = atomic_load_explicit(&h->joiner_sleeps, memory_order_relaxed);
	out->wakeups = atomic_load_explicit(&h->wakeups, memory_order_relaxed);
	return 0;
}

static const struct elsewhere shared_calls = {
        .put = shared_put,
        .get = shared_get,
        .put_item = shared_put_item,
        .get_item = shared_get_item,
        .task_done = shared_task_done,
        .join = shared_join,
        .shutdown = shared_shutdown,
        .release_producer = shared_release_producer,
        .take_producer = shared_take_producer,
        .look = shared_look,
        .stats = shared_stats,
        .destroy = shared_destroy,
};
