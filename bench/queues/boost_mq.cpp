/*
 * Boost.Interprocess' message_queue between processes; each item is a message. create() makes the
 * queue before the processes are forked, which inherit its memory, and removes its name at once.
 * Shutdown is a message without bytes for each consumer. Finished items are counted in common
 * memory (helper_common.h).
 */
#include <boost/interprocess/ipc/message_queue.hpp>
#include <cerrno>
#include <cstdio>
#include <new>
#include <unistd.h>

#include "helper_common.h"

namespace
{
using boost::interprocess::interprocess_exception;
using boost::interprocess::message_queue;

struct boost_mq_queue : helper {
	size_t consumers;
	alignas(message_queue) unsigned char bytes[sizeof(message_queue)];

	message_queue *messages()
	{
		return std::launder(reinterpret_cast<message_queue *>(bytes));
	}
};

boost_mq_queue *from(void *queue)
{
	return static_cast<boost_mq_queue *>(static_cast<helper *>(queue));
}

/* 0 or -errno. */
int open_queue(boost_mq_queue *q, const bench_shape *shape)
{
	static unsigned number;
	char name[64];

	snprintf(name, sizeof(name), "spmcq-bench-%ld-%u", static_cast<long>(getpid()), number++);
	try {
		new (q->bytes) message_queue(boost::interprocess::create_only, name,
		                             shape->capacity, shape->item_size);
	} catch (const interprocess_exception &error) {
		return error.get_native_error() > 0 ? -error.get_native_error() : -ENOMEM;
	}
	message_queue::remove(name);
	return 0;
}

int create(void **queue, const bench_shape *shape)
{
	void *memory = helper_common_create(sizeof(boost_mq_queue), shape);
	int error;

	if (!memory)
		return -ENOMEM;
	boost_mq_queue *q = from(memory);
	q->consumers = shape->consumers;
	error = open_queue(q, shape);
	if (error)
		helper_common_destroy(memory);
	else
		*queue = memory;
	return error;
}

void destroy(void *queue)
{
	from(queue)->messages()->~message_queue();
	helper_common_destroy(queue);
}

int send(boost_mq_queue *q, const void *bytes, size_t n)
{
	try {
		q->messages()->send(bytes, n, 0);
	} catch (const interprocess_exception &) {
		return -EPROTO;
	}
	return 0;
}

int put(void *queue, const void *item)
{
	boost_mq_queue *q = from(queue);
	int error = send(q, item, q->item_size);

	if (error == 0)
		completion_put(&q->completion, 1);
	return error;
}

int get(void *handle, void *item)
{
	boost_mq_queue *q = from(static_cast<helper_handle *>(handle)->queue);
	message_queue::size_type got;
	unsigned priority;

	try {
		q->messages()->receive(item, q->item_size, got, priority);
	} catch (const interprocess_exception &) {
		return -EPROTO;
	}
	return got == 0 ? -ESHUTDOWN : 0;
}

int shut_down(void *queue)
{
	boost_mq_queue *q = from(queue);
	int error = 0;

	for (size_t i = 0; i < q->consumers && error == 0; i++)
		error = send(q, "", 0);
	return error;
}
} // namespace

extern "C" const bench_queue bench_boost_mq;
const bench_queue bench_boost_mq = {
        .name = "boost_mq",
        .note = "Boost.Interprocess' message_queue; many producers could use it",
        .can = BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_PROCESSES,
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
