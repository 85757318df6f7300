/*
 * Finds peers that are gone and what they lost, names their losses and delivers them again, and
 * settles a peer when all its losses are named.
 *
 * Accesses without a remark are relaxed. Only this process writes part one, and the words of it
 * that are read here, except tail, are written under the lock. A peer wrote its words before the
 * kernel reported that it is gone.
 */
#include "reap.h"

#include "calls.h"
#include "keep.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static uint64_t next_position(const struct handle *h)
{
	/* Acquire, pairs with claim_items(). */
	return word_position(atomic_load_explicit(&h->two->head, memory_order_acquire));
}

/* --- what a peer lost --- */

struct losses {
	struct handle *h;
	struct lost_item *list;
	size_t n, most; /* n: entries that were found; only `most` of them are in the list */
};

static void add(struct losses *losses, uint64_t position, uint64_t items)
{
	if (losses->n < losses->most)
		losses->list[losses->n] = (struct lost_item){position, items};
	losses->n++;
}

static void add_held(void *arg, const struct held *held)
{
	struct losses *losses = arg;
	struct handle *h = losses->h;

	if (held->lane == AGAIN)
		add(losses,
		    atomic_load_explicit(&kept_at(h, held->start)->position, memory_order_relaxed),
		    1);
	else if (!h->redelivers)
		add(losses, held->start, held->items);
	else if (losses->list == NULL)
		losses->n += held->items;
	else
		for (uint64_t i = 0; i < held->items && losses->n < losses->most; i++)
			add(losses, position_after(held->start, i), 1);
}

/* Fill the list with the losses of a peer, up to `most` entries. Sets *finished to how many items
 * the peer reported. Returns how many entries the whole list has, even if that is more than `most`.
 */
static size_t see_losses(struct handle *h, uint64_t number, struct lost_item *list, size_t most,
                         uint64_t *finished)
{
	struct losses losses = {.h = h, .list = list, .most = most};
	/* Sequentially consistent, as in reports_of(). */
	uint64_t seats = atomic_load_explicit(&line_of(h, number)->seats, memory_order_seq_cst);

	*finished = 0;
	for (uint64_t i = 0; i < seats && i < h->layout.threads; i++) {
		struct seat_sum sum =
		        seat_held(h, number * h->layout.threads + i, add_held, &losses);

		*finished += sum.reported;
		if (sum.unknown > 0)
			add(&losses, SPMCQ_POSITION_UNKNOWN, sum.unknown);
	}
	return losses.n;
}

/* Order by position. Entries with unknown positions come first. */
static int compare(const void *a, const void *b, void *first)
{
	const struct lost_item *one = a, *two = b;
	uint64_t from = *(const uint64_t *)first;
	uint64_t x = one->position == SPMCQ_POSITION_UNKNOWN
	                     ? 0
	                     : 1 + ((one->position - from) & POSITION_ONES);
	uint64_t y = two->position == SPMCQ_POSITION_UNKNOWN
	                     ? 0
	                     : 1 + ((two->position - from) & POSITION_ONES);

	return x < y ? -1 : x > y;
}

/* Remove the items that threads of the peer reported for each other. It is not known which items
 * these are; they are assumed to be the oldest. Entries with unknown positions are older than all
 * others. Returns how many entries are left. */
static size_t leave_out_reported(struct lost_item *list, size_t n, uint64_t reported)
{
	size_t from = 0;

	while (from < n && reported >= list[from].items)
		reported -= list[from++].items;
	if (from < n && reported > 0) {
		if (list[from].position != SPMCQ_POSITION_UNKNOWN)
			list[from].position = position_after(list[from].position, reported);
		list[from].items -= reported;
	}
	memmove(list, list + from, (n - from) * sizeof *list);
	return n - from;
}

/* One word holds how many losses were named, and how many items of them nobody gets again. So a
 * producer that is killed cannot have stored one number without the other. */
static void read_named(struct handle *h, uint64_t number, struct my_peer *peer)
{
	uint64_t word = atomic_load_explicit(&record_of(h, number)->named, memory_order_relaxed);

	peer->named = (size_t)(word & UINT32_MAX);
	peer->for_good = word >> 32;
}

static void write_named(struct handle *h, uint64_t number, const struct my_peer *peer)
{
	/* Release, pairs with read_named() of a successor: if it reads this word, it also finds the
	 * item in the lane AGAIN. */
	atomic_store_explicit(&record_of(h, number)->named, peer->for_good << 32 | peer->named,
	                      memory_order_release);
}

static size_t most_losses(const struct handle *h)
{
	size_t notes = (size_t)h->layout.threads * (NOTES + 1);

	return h->redelivers ? (size_t)h->layout.kept : notes;
}

/* Fill in peer->lost. Returns 0 or -ENOMEM. */
static int find_losses(struct handle *h, uint64_t number, struct my_peer *peer)
{
	/* Sequentially consistent, as in reports_of(). */
	uint64_t finished, others = atomic_load_explicit(&line_of(h, number)->done_for_others,
	                                                 memory_order_seq_cst);
	uint64_t from = h->layout.first;
	size_t n = see_losses(h, number, NULL, 0, &finished), again;
	struct lost_item *list;

	/* More losses are not possible, so a process wrote false notes. The rest is ignored. */
	if (n > most_losses(h))
		n = most_losses(h);
	list = calloc(n + 1, sizeof *list);
	if (list == NULL)
		return -ENOMEM;
	again = see_losses(h, number, list, n, &finished);
	n = again < n ? again : n;
	qsort_r(list, n, sizeof *list, compare, &from);
	peer->lost = list;
	peer->lost_n = leave_out_reported(list, n, others);
	peer->finished = finished + others;
	read_named(h, number, peer);
	return 0;
}

static void clear_seat(struct seat *seat, uint64_t at, uint64_t again)
{
	uint64_t takes = atomic_load_explicit(&seat->takes, memory_order_relaxed);

	/* All stores are relaxed: the store of the record's process releases them, and a new peer
	 * learns its place by a message. If another peer confirms an old take of this seat after
	 * this, it finds that `end` is at or beyond that take, and does nothing. */
	for (uint64_t n = 0; n < NOTES && n <= takes; n++)
		atomic_store_explicit(&seat->notes[n].before, UINT64_MAX, memory_order_relaxed);
	atomic_store_explicit(&seat->takes, 0, memory_order_relaxed);
	atomic_store_explicit(&seat->done, 0, memory_order_relaxed);
	atomic_store_explicit(&seat->end[QUEUE], at, memory_order_relaxed);
	atomic_store_explicit(&seat->confirmed[QUEUE], at, memory_order_relaxed);
	atomic_store_explicit(&seat->end[AGAIN], again, memory_order_relaxed);
	atomic_store_explicit(&seat->confirmed[AGAIN], again, memory_order_relaxed);
}

INTERNAL void seats_begin(struct handle *h, uint64_t number)
{
	struct peer_line *line = line_of(h, number);
	uint64_t at = next_position(h);
	uint64_t again =
	        word_position(atomic_load_explicit(&h->two->again_head, memory_order_acquire));

	for (uint64_t i = 0; i < h->layout.threads; i++)
		clear_seat(seat_at(h, number * h->layout.threads + i), at, again);
	atomic_store_explicit(&line->done_for_others, 0, memory_order_relaxed);
	atomic_store_explicit(&line->seats, 0, memory_order_relaxed);
	atomic_store_explicit(&line->dropped, 0, memory_order_relaxed);
}

/* Does the steps of a settlement. `settling` is odd until all of them are done. Each step stores a
 * value that was stored in part one before, so a successor can repeat them. Sequentially
 * consistent, pairs with sum_of_reports(). */
INTERNAL void reap_settle_again(struct handle *h)
{
	struct part_one *one = h->one;
	uint64_t settling = atomic_load_explicit(&one->settling, memory_order_seq_cst);
	uint64_t number = atomic_load_explicit(&one->settle_peer, memory_order_seq_cst);

	if ((settling & 1) == 0)
		return;
	atomic_store_explicit(&one->settled,
	                      atomic_load_explicit(&one->settle_to, memory_order_relaxed),
	                      memory_order_seq_cst);
	atomic_store_explicit(&one->written_off,
	                      atomic_load_explicit(&one->write_off_to, memory_order_relaxed),
	                      memory_order_seq_cst);
	atomic_store_explicit(&record_of(h, number)->process, 0, memory_order_seq_cst);
	atomic_store_explicit(&one->settling, settling + 1, memory_order_seq_cst);
}

INTERNAL void peer_forget(struct my_peer *peer)
{
	close_if_open(&peer->process);
	close_if_open(&peer->lifeline);
	free(peer->lost);
	*peer = (struct my_peer){.process = -1, .lifeline = -1};
}

/* Settle a peer that is gone: add to `settled` the items that it finished, and those that it lost
 * and nobody gets again. Relaxed: the increment of `settling` releases the stores. */
static void settle(struct handle *h, uint64_t number, struct my_peer *peer)
{
	struct part_one *one = h->one;
	uint64_t off = atomic_load_explicit(&line_of(h, number)->dropped, memory_order_relaxed);
	uint64_t settled = atomic_load_explicit(&one->settled, memory_order_relaxed);
	uint64_t most = sum_of_puts(h) - settled;

	/* With redeliver other consumers will report the lost items; for_good counts the items that
	 * could not be delivered again. */
	for (size_t i = 0; i < peer->lost_n && !h->redelivers; i++)
		peer->for_good += peer->lost[i].items;
	peer->finished += peer->for_good;
	off += peer->for_good;
	atomic_store_explicit(&one->settle_peer, number, memory_order_relaxed);
	/* The peer may have written any number. At most this many items are not settled yet. */
	if (peer->finished > most)
		peer->finished = most;
	atomic_store_explicit(&one->settle_to, settled + peer->finished, memory_order_relaxed);
	atomic_store_explicit(&one->write_off_to,
	                      atomic_load_explicit(&one->written_off, memory_order_relaxed) + off,
	                      memory_order_relaxed);
	atomic_fetch_add_explicit(&one->settling, 1, memory_order_seq_cst);
	reap_settle_again(h);
	peer->is_settled = true;
}

/* --- who is gone --- */

/* Returns whether this producer has admitted a peer. Before that, a successor would start from the
 * part one of the former producer, and would need the seats unchanged. */
static bool has_peers(const struct handle *h)
{
	/* Sequentially consistent, pairs with admit_peer() in this process. */
	return atomic_load_explicit(&h->two->generation, memory_order_seq_cst) ==
	       h->one->shape.generation;
}

/* Settle a peer if it is gone and has no losses to name. Returns whether it is gone and cannot be
 * settled, because it has losses to name or memory is short. */
static bool look_at_peer(struct handle *h, uint64_t number)
{
	struct my_peer *peer = &h->peers[number];

	if (!peer->is_used)
		return false;
	if (!peer->is_gone && !life_is_over(peer->process, peer->lifeline))
		return false;
	peer->is_gone = true;
	if (peer->lost == NULL && find_losses(h, number, peer) != 0)
		return true;
	if (peer->named < peer->lost_n)
		return true;
	if (!peer->is_settled)
		settle(h, number, peer);
	if (has_peers(h))
		peer_forget(peer);
	return false;
}

INTERNAL bool settle_gone(struct handle *h)
{
	bool found = false;

	for (uint32_t i = 0; i < h->layout.processes; i++)
		found = look_at_peer(h, i) || found;
	return found;
}

INTERNAL bool reap_finds_losses(struct handle *h)
{
	bool found;

	pthread_mutex_lock(&h->lock);
	found = settle_gone(h);
	pthread_mutex_unlock(&h->lock);
	return found;
}

/* --- naming --- */

/* Put the next loss of a peer into the lane AGAIN. Returns false if that is not possible. The
 * former producer may have been killed after it put the item into the lane and before
 * write_named(): then the last entry of the lane is that loss. */
static bool give_out_again(struct handle *h, const struct my_peer *peer)
{
	uint64_t lost_by = peer->serial << 32 | (peer->named & UINT32_MAX);
	uint64_t tail = atomic_load_explicit(&h->one->again_tail, memory_order_relaxed);
	const struct again *last = again_at(h, position_after(tail, POSITION_ONES));
	uint64_t place;

	if (atomic_load_explicit(&last->lost_by, memory_order_relaxed) == lost_by)
		return true;
	if (peer->lost[peer->named].position == SPMCQ_POSITION_UNKNOWN)
		return false;
	place = keep_item(h, peer->lost[peer->named].position);
	if (place == KEPT_NOTHING)
		return false;
	again_put(h, place, lost_by);
	return true;
}

static size_t name_losses(struct handle *h, uint64_t number, struct spmcq_lost *lost, size_t max)
{
	struct my_peer *peer = &h->peers[number];
	size_t n = 0;

	for (; n < max && peer->named < peer->lost_n; n++) {
		const struct lost_item *item = &peer->lost[peer->named];
		bool again = h->redelivers && give_out_again(h, peer);

		lost[n] = (struct spmcq_lost){.position = item->position,
		                              .items = item->items,
		                              .process = peer->id,
		                              .redelivered = again};
		if (h->redelivers && !again)
			peer->for_good += item->items;
		peer->named++;
		write_named(h, number, peer);
	}
	return n;
}

static int reap(struct handle *h, struct spmcq_lost *lost, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < h->layout.processes && n < max; i++) {
		if (!look_at_peer(h, i))
			continue;
		if (h->peers[i].lost == NULL)
			return n > 0 ? (int)n : -ENOMEM;
		n += name_losses(h, i, lost + n, max - n);
		look_at_peer(h, i);
	}
	return (int)n;
}

int spmcq_shared_reap(struct spmcq *q, struct spmcq_lost *lost, size_t max)
{
	struct handle *h = handle_of(q);
	int r;

	if (q == NULL || !is_shared(h) || lost == NULL || max == 0)
		return -EINVAL;
	r = handle_status(h);
	if (r != 0)
		return r;
	if (!h->is_producer)
		return -EPERM;
	pthread_mutex_lock(&h->lock);
	r = reap(h, lost, max > INT_MAX ? INT_MAX : max);
	pthread_mutex_unlock(&h->lock);
	/* The items that were written off may have been the last unfinished ones. */
	after_report(h);
	return r;
}
