/*
 * GLib's GAsyncQueue. It carries pointers other than NULL (box.h), and has no task_done
 * (helper.h) and no shutdown. As programs that use it do, shutdown puts a last pointer that means
 * the end; a consumer that gets this pointer puts it back for the next.
 */
#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "box.h"
#include "helper.h"

struct glib_queue {
	struct helper helper;
	GAsyncQueue *items;
};

/* The address of this variable is the last pointer. The 8 bytes of an item equal it once in 2^64
 * items. */
static char last;

static int create(void **queue, const struct bench_shape *shape)
{
	struct glib_queue *q = aligned_alloc(COMPLETION_LINE, sizeof(*q));

	if (!q)
		return -ENOMEM;
	if (helper_init(&q->helper, shape) != 0) {
		free(q);
		return -ENOMEM;
	}
	q->items = g_async_queue_new();
	*queue = q;
	return 0;
}

/* The queue refuses NULL, so 1 is added to each pointer. UINTPTR_MAX cannot be put. */
static gpointer wrapped(void *box)
{
	return (gpointer)((uintptr_t)box + 1);
}

static void *unwrapped(gpointer pointer)
{
	return (void *)((uintptr_t)pointer - 1);
}

static void destroy(void *queue)
{
	struct glib_queue *q = queue;
	gpointer pointer;

	while ((pointer = g_async_queue_try_pop(q->items)))
		if (pointer != &last)
			box_drop(unwrapped(pointer), q->helper.item_size);
	g_async_queue_unref(q->items);
	helper_destroy(&q->helper);
	free(q);
}

static int put(void *queue, const void *item)
{
	struct glib_queue *q = queue;
	void *box;
	int error = box_close(&box, item, q->helper.item_size);

	if (error)
		return error;
	if (!wrapped(box))
		return -ERANGE;
	g_async_queue_push(q->items, wrapped(box));
	completion_put(&q->helper.completion, 1);
	return 0;
}

static int get(void *handle, void *item)
{
	struct helper_handle *me = handle;
	struct glib_queue *q = (struct glib_queue *)me->queue;
	gpointer pointer = g_async_queue_pop(q->items);

	if (pointer == &last) {
		g_async_queue_push(q->items, &last);
		return -ESHUTDOWN;
	}
	box_open(unwrapped(pointer), item, q->helper.item_size);
	return 0;
}

static int shut_down(void *queue)
{
	struct glib_queue *q = queue;

	g_async_queue_push(q->items, &last);
	return 0;
}

extern const struct bench_queue bench_glib;
const struct bench_queue bench_glib = {
        .name = "glib",
        .note = "GAsyncQueue",
        .can = BENCH_BLOCKING | BENCH_FIFO,
        .create = create,
        .destroy = destroy,
        .consumer = helper_consumer,
        .put = put,
        .get = get,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = shut_down,
};
