/*
 * Boost.Lockfree's queue, of fixed capacity. It never waits, so both sides poll (polling.h); it
 * carries pointers (box.h) and knows no completion (helper.h).
 */
#include <boost/lockfree/queue.hpp>
#include <cerrno>
#include <new>

#include "box.h"
#include "helper.h"

namespace
{
using box_queue = boost::lockfree::queue<void *, boost::lockfree::fixed_sized<true>>;

struct boost_queue : helper {
	explicit boost_queue(size_t capacity) : items(capacity)
	{
	}

	box_queue items;
};

/* A fixed one numbers its nodes with 16 bits, and needs one node more than it holds items. */
constexpr size_t most_capacity = 65535 - 2;

boost_queue *from(void *queue)
{
	return static_cast<boost_queue *>(static_cast<helper *>(queue));
}

int create(void **queue, const bench_shape *shape)
{
	boost_queue *q;

	if (shape->capacity > most_capacity)
		return -EOVERFLOW;
	try {
		q = new boost_queue(shape->capacity);
	} catch (const std::bad_alloc &) {
		return -ENOMEM;
	}
	if (helper_init(q, shape) != 0) {
		delete q;
		return -ENOMEM;
	}
	*queue = static_cast<helper *>(q);
	return 0;
}

void destroy(void *queue)
{
	boost_queue *q = from(queue);
	void *box;

	while (q->items.pop(box))
		box_drop(box, q->item_size);
	helper_destroy(q);
	delete q;
}

int put(void *queue, const void *item)
{
	boost_queue *q = from(queue);
	polling polling = {};
	void *box;
	int error = box_close(&box, item, q->item_size);

	if (error)
		return error;
	while (!q->items.push(box))
		polling_wait(&polling);
	completion_put(&q->completion, 1);
	return 0;
}

int get(void *handle, void *item)
{
	boost_queue *q = from(static_cast<helper_handle *>(handle)->queue);
	struct helper_waiting wait = {};
	void *box;

	while (!q->items.pop(box))
		if (!helper_wait(q, &wait))
			return -ESHUTDOWN;
	box_open(box, item, q->item_size);
	return 0;
}
} // namespace

extern "C" const bench_queue bench_boost;
const bench_queue bench_boost = {
        .name = "boost",
        .note = "Boost.Lockfree's queue; many producers could use it; holds up to 65533 items",
        .can = BENCH_BOUNDED | BENCH_FIFO | BENCH_SIMULATED,
        .type = "boost_queue",
        .create = create,
        .destroy = destroy,
        .producer = nullptr,
        .consumer = helper_consumer,
        .put = put,
        .put_many = nullptr,
        .get = get,
        .get_many = nullptr,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = helper_shutdown,
        .squares = nullptr,
        .most = nullptr,
};
