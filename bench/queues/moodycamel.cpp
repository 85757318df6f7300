/*
 * moodycamel's BlockingConcurrentQueue, with a token for the producer and one for each consumer, as
 * its author recommends. It carries pointers (box.h), and has no task_done (helper.h) and no
 * shutdown. shutdown() puts a last pointer that means the end; a consumer that gets it puts it back
 * for the next.
 */
#include <algorithm>
#include <cerrno>
#include <concurrentqueue/blockingconcurrentqueue.h>
#include <new>
#include <vector>

#include "box.h"
#include "helper.h"

namespace
{
using box_queue = moodycamel::BlockingConcurrentQueue<void *>;

struct alignas(COMPLETION_LINE) camel_consumer : helper_handle {
	camel_consumer(helper *queue, size_t number, box_queue &items)
	    : helper_handle{queue, number}, token(items)
	{
	}

	moodycamel::ConsumerToken token; /* used by one thread only */
};

struct camel_queue : helper {
	explicit camel_queue(const bench_shape *shape) : items(shape->capacity), token(items)
	{
		camels.reserve(shape->consumers);
		for (size_t i = 0; i < shape->consumers; i++)
			camels.emplace_back(this, i, items);
	}

	box_queue items;
	moodycamel::ProducerToken token;
	std::vector<camel_consumer> camels;
};

/* Boxes moved per call of the queue. */
constexpr size_t most = 256;

/* Its address is the last pointer. An item's 8 bytes are that address once in 2^64 items. */
char last;

camel_queue *from(void *queue)
{
	return static_cast<camel_queue *>(static_cast<helper *>(queue));
}

int create(void **queue, const bench_shape *shape)
{
	camel_queue *q;

	try {
		q = new camel_queue(shape);
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
	camel_queue *q = from(queue);
	void *box;

	while (q->items.try_dequeue(box))
		if (box != &last)
			box_drop(box, q->item_size);
	helper_destroy(q);
	delete q;
}

void *consumer(void *queue, size_t number)
{
	return static_cast<helper_handle *>(&from(queue)->camels[number]);
}

int put(void *queue, const void *item)
{
	camel_queue *q = from(queue);
	void *box;
	int error = box_close(&box, item, q->item_size);

	if (error)
		return error;
	if (!q->items.enqueue(q->token, box)) {
		box_drop(box, q->item_size);
		return -ENOMEM;
	}
	completion_put(&q->completion, 1);
	return 0;
}

ssize_t put_many(void *queue, const void *items, size_t n)
{
	camel_queue *q = from(queue);
	const char *item = static_cast<const char *>(items);
	void *boxes[most];
	size_t closed = 0;

	n = std::min(n, most);
	while (closed < n && box_close(&boxes[closed], item, q->item_size) == 0) {
		item += q->item_size;
		closed++;
	}
	if (closed == 0 || !q->items.enqueue_bulk(q->token, boxes, closed)) {
		while (closed > 0)
			box_drop(boxes[--closed], q->item_size);
		return -ENOMEM;
	}
	completion_put(&q->completion, closed);
	return static_cast<ssize_t>(closed);
}

int get(void *handle, void *item)
{
	camel_consumer *me = static_cast<camel_consumer *>(static_cast<helper_handle *>(handle));
	camel_queue *q = from(me->queue);
	void *box;

	q->items.wait_dequeue(me->token, box);
	if (box == &last) {
		q->items.enqueue(&last);
		return -ESHUTDOWN;
	}
	box_open(box, item, q->item_size);
	return 0;
}

ssize_t get_many(void *handle, void *items, size_t max)
{
	camel_consumer *me = static_cast<camel_consumer *>(static_cast<helper_handle *>(handle));
	camel_queue *q = from(me->queue);
	char *item = static_cast<char *>(items);
	void *boxes[most];
	size_t taken = q->items.wait_dequeue_bulk(me->token, boxes, std::min(max, most));

	if (boxes[taken - 1] == &last) {
		q->items.enqueue(&last);
		if (--taken == 0)
			return -ESHUTDOWN;
	}
	for (size_t i = 0; i < taken; i++, item += q->item_size)
		box_open(boxes[i], item, q->item_size);
	return static_cast<ssize_t>(taken);
}

int shut_down(void *queue)
{
	camel_queue *q = from(queue);

	return q->items.enqueue(q->token, &last) ? 0 : -ENOMEM;
}
} // namespace

extern "C" const bench_queue bench_moodycamel;
const bench_queue bench_moodycamel = {
        .name = "moodycamel",
        .note = "BlockingConcurrentQueue with tokens; many producers could use it",
        .can = BENCH_BULK | BENCH_BLOCKING | BENCH_FIFO | BENCH_SIMULATED,
        .type = "camel_queue",
        .create = create,
        .destroy = destroy,
        .producer = nullptr,
        .consumer = consumer,
        .put = put,
        .put_many = put_many,
        .get = get,
        .get_many = get_many,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = shut_down,
        .squares = nullptr,
        .most = nullptr,
};
