/*
 * oneTBB's concurrent_bounded_queue. It carries pointers (box.h) and knows no completion
 * (helper.h). Its abort() wakes those who wait, but not those about to wait; so we send a last
 * pointer that means the end, and a consumer that gets it puts it back for the next.
 */
#include <cerrno>
#include <new>
#include <oneapi/tbb/concurrent_queue.h>

#include "box.h"
#include "helper.h"

namespace
{
struct tbb_queue : helper {
	tbb::concurrent_bounded_queue<void *> items;
};

/* Its address is the last pointer. An item's 8 bytes are that address once in 2^64 items. */
char last;

tbb_queue *from(void *queue)
{
	return static_cast<tbb_queue *>(static_cast<helper *>(queue));
}

int create(void **queue, const bench_shape *shape)
{
	tbb_queue *q = new (std::nothrow) tbb_queue;

	if (!q)
		return -ENOMEM;
	if (helper_init(q, shape) != 0) {
		delete q;
		return -ENOMEM;
	}
	q->items.set_capacity(static_cast<std::ptrdiff_t>(shape->capacity));
	*queue = static_cast<helper *>(q);
	return 0;
}

void destroy(void *queue)
{
	tbb_queue *q = from(queue);
	void *box;

	while (q->items.try_pop(box))
		if (box != &last)
			box_drop(box, q->item_size);
	helper_destroy(q);
	delete q;
}

int put(void *queue, const void *item)
{
	tbb_queue *q = from(queue);
	void *box;
	int error = box_close(&box, item, q->item_size);

	if (error)
		return error;
	try {
		q->items.push(box);
	} catch (const std::bad_alloc &) {
		box_drop(box, q->item_size);
		return -ENOMEM;
	}
	completion_put(&q->completion, 1);
	return 0;
}

int get(void *handle, void *item)
{
	tbb_queue *q = from(static_cast<helper_handle *>(handle)->queue);
	void *box;

	q->items.pop(box);
	if (box == &last) {
		q->items.push(&last);
		return -ESHUTDOWN;
	}
	box_open(box, item, q->item_size);
	return 0;
}

int shut_down(void *queue)
{
	from(queue)->items.push(&last);
	return 0;
}
} // namespace

extern "C" const bench_queue bench_tbb;
const bench_queue bench_tbb = {
        .name = "tbb",
        .note = "oneTBB's concurrent_bounded_queue",
        .can = BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO,
        .type = nullptr,
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
        .shutdown = shut_down,
        .squares = nullptr,
        .most = nullptr,
};
