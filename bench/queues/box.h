/*
 * Items for queues that carry pointers. Up to 8 bytes travel in the pointer itself; a larger item
 * is allocated by the producer and freed by its consumer, as users of such queues must do.
 */
#ifndef BENCH_BOX_H
#define BENCH_BOX_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 0 or -ENOMEM. The box may be NULL: that is eight bytes of zero. */
static inline int box_close(void **box, const void *item, size_t item_size)
{
	void *to = box;

	if (item_size > sizeof(*box)) {
		to = *box = malloc(item_size);
		if (!to)
			return -ENOMEM;
		memcpy(to, item, item_size);
	} else if (item_size == sizeof(*box)) {
		memcpy(to, item, sizeof(*box)); /* a constant size: one instruction */
	} else {
		*box = NULL;
		memcpy(to, item, item_size);
	}
	return 0;
}

static inline void box_open(void *box, void *item, size_t item_size)
{
	if (item_size > sizeof(box)) {
		memcpy(item, box, item_size);
		free(box);
	} else if (item_size == sizeof(box)) {
		memcpy(item, &box, sizeof(box));
	} else {
		memcpy(item, &box, item_size);
	}
}

/* An item that nobody got. */
static inline void box_drop(void *box, size_t item_size)
{
	if (item_size > sizeof(box))
		free(box);
}

#endif
