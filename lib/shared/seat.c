/*
 * Gives the threads of this process their seats.
 */
#include "seat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void give_seat_back(void *seat)
{
	/* This thread is ending, but its other destructors may still call us. They must not use
	 * this seat, which another thread may have by then. */
	if (last_seat.seat == seat)
		last_seat.handle = NO_HANDLE;
	/* Release, pairs with seat_find(): the next owner sees what this thread wrote into the
	 * seat. */
	atomic_store_explicit(&((struct my_seat *)seat)->is_used, false, memory_order_release);
}

INTERNAL int seats_make(struct handle *h)
{
	size_t run = h->layout.run_most * h->layout.item_size + h->layout.tag_size;
	uint64_t first = (uint64_t)h->number * h->layout.threads;

	h->has_words = h->layout.slot_words == 1 && h->layout.item_size == WORD && !h->redelivers;
	h->seats = aligned_alloc(alignof(struct my_seat), h->layout.threads * sizeof *h->seats);
	if (h->seats == NULL)
		return -ENOMEM;
	memset(h->seats, 0, h->layout.threads * sizeof *h->seats);
	for (uint32_t i = 0; i < h->layout.threads; i++) {
		struct my_seat *mine = &h->seats[i];

		mine->seat = seat_at(h, first + i);
		mine->number = first + i;
		mine->head = NO_HEAD;
		mine->backoff = BACKOFF_LEAST;
		mine->chance = first + i + 1;
		mine->run = h->layout.tag_size > 0 ? malloc(run) : NULL;
		mine->before = h->redelivers ? calloc(NOTES, sizeof *mine->before) : NULL;
		if ((h->layout.tag_size > 0 && mine->run == NULL) ||
		    (h->redelivers && mine->before == NULL))
			return -ENOMEM;
	}
	return pthread_key_create(&h->seat_key, give_seat_back) == 0 ? 0 : -ENOMEM;
}

INTERNAL void seats_free(struct handle *h)
{
	for (uint32_t i = 0; h->seats != NULL && i < h->layout.threads; i++) {
		free(h->seats[i].run);
		free(h->seats[i].before);
	}
	free(h->seats);
	h->seats = NULL;
}

INTERNAL struct my_seat *seat_ask(struct handle *h)
{
	last_seat.seat = pthread_getspecific(h->seat_key);
	last_seat.handle = h->id;
	return last_seat.seat;
}

/* Raise the number of used seats of this process to n at least, so that reports_of() adds up the
 * first n seats. */
static void count_seat(struct handle *h, uint64_t n)
{
	_Atomic uint64_t *used = &line_of(h, h->number)->seats;
	uint64_t before = atomic_load_explicit(used, memory_order_relaxed);

	/* Sequentially consistent, pairs with reports_of(): the number is raised before the seat's
	 * first report. The load above is relaxed, because the compare-and-swap checks its value.
	 * It fails when another thread of this process has raised the number, or when a hostile
	 * process writes there: therefore the loop is bounded. */
	for (uint64_t i = 0; i < h->layout.threads && before < n; i++)
		if (atomic_compare_exchange_strong_explicit(used, &before, n, memory_order_seq_cst,
		                                            memory_order_relaxed))
			return;
}

INTERNAL struct my_seat *seat_find(struct handle *h)
{
	for (uint32_t i = 0; i < h->layout.threads; i++) {
		struct my_seat *mine = &h->seats[i];
		bool is_used = false;

		/* Acquire, pairs with give_seat_back(). */
		if (!atomic_compare_exchange_strong_explicit(&mine->is_used, &is_used, true,
		                                             memory_order_acquire,
		                                             memory_order_relaxed))
			continue;
		if (pthread_setspecific(h->seat_key, mine) != 0) {
			give_seat_back(mine);
			return NULL;
		}
		last_seat.seat = mine;
		count_seat(h, i + 1);
		return mine;
	}
	return NULL;
}
