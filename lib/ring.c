/*
 * The ring's protocol. Who pairs with whom:
 *
 *   R1 publish() moves tail          -> A1 ring_tail() reads it:   items below can be read
 *   R2 move_head() moves head        -> A2 ring_head() reads it:   slots below were read out
 *   R2 move_head() moves head        -> A3 ring_take() reads it:   a tail read next is no older
 *   R4 fresh_tail() stores tail_seen -> A4 known_items() reads it: as R1, at second hand
 *   R6 lead_claim() counts in got    -> A6 lead_end() reads it:    as R2, while head is a lead
 *   R8 lead_advance() moves at       -> A8 lead_seen() reads it:   as R2, while head is a lead
 *
 * R1, unless a leader watches, and R2, and the loads in ring_take() and ring_room(), are
 * sequentially consistent for the sake of the gates: who publishes and then looks for sleepers, and
 * who announces that it sleeps and then looks at the ring, cannot both see nothing (see gate.h).
 */
#include "ring.h"

#include "clock.h"
#include "lead.h"

#include <errno.h>
#include <string.h>

/* How far ahead of tail the producer asks for slots: consumers had them last, and publishing waits
 * until they have come. About as long as a line takes to move, in items of one word. A leader does
 * the same, but only for slots known to be filled: else it takes lines from the producer. */
enum { PREFETCH_ITEMS = 32, PREFETCH_KNOWN = 24 };

/* What a get that fails leaves as it was: so many bytes of the caller's buffer. */
enum { COPY_BYTES = 64 };

/* Puts until then: more than there will be. */
#define NEVER (UINT64_C(1) << 61)

INTERNAL void ring_init(struct ring *ring, size_t capacity, size_t item_size, uint64_t first,
                        bool may_lead)
{
	first &= ~RING_OPEN;
	slots_init(&ring->slots, capacity, item_size);
	ring->capacity = capacity;
	ring->first = first;
	ring->may_lead = may_lead;
	ring->room_until = (first + capacity) & ~RING_OPEN;
	atomic_init(&ring->mode, 0);
	atomic_init(&ring->end, RING_OPEN);
	atomic_init(&ring->tail, first);
	atomic_init(&ring->head, first);
	atomic_init(&ring->tail_seen, first);
	atomic_init(&ring->batch, 0);
	atomic_init(&ring->paced_ns, 0);
	atomic_init(&ring->paced_head, first);
	atomic_init(&ring->paced, false);
	cells_init(&ring->cells);
	ring_look_in(ring, NEVER);
}

/* The tail, for the producer. */
static uint64_t own_tail(const struct ring *ring)
{
	/* Relaxed: only the producer writes it. */
	return atomic_load_explicit(&ring->tail, memory_order_relaxed);
}

static void set_put_until(struct ring *ring)
{
	ring->put_until = ring_distance(ring->look_at, ring->room_until) > 0 ? ring->look_at
	                                                                     : ring->room_until;
}

INTERNAL void ring_look_in(struct ring *ring, uint64_t n)
{
	ring->look_at = (own_tail(ring) + n) & ~RING_OPEN;
	set_put_until(ring);
}

INTERNAL bool ring_is_look_due(const struct ring *ring)
{
	return ring_distance(own_tail(ring), ring->look_at) <= 0;
}

SLOW_PATH INTERNAL uint64_t ring_room(struct ring *ring)
{
	/* What consumers read from the slots below head, they read before we overwrite it. */
	ring->room_until = (ring_head(ring) + ring->capacity) & ~RING_OPEN;
	set_put_until(ring);
	return (uint64_t)ring_distance(own_tail(ring), ring->room_until);
}

INTERNAL uint64_t ring_room_exactly(struct ring *ring)
{
	/* Sequentially consistent for lead_begin(). A lead that begins later starts from a head
	 * that we see, and its updates order what the leader took before. */
	if (atomic_load_explicit(&ring->head, memory_order_seq_cst) & LEAD)
		park_fence_all();
	return ring_room(ring);
}

/* Whether a leader looks for items: not while its lead is being ended. */
static inline bool is_watched(uint64_t mode)
{
	return mode & LEAD;
}

/* Make the slots below tail visible if a leader watches: whether one does. */
static inline bool publish_led(struct ring *ring, uint64_t tail)
{
	/* R1. */
	atomic_store_explicit(&ring->tail, tail, memory_order_release);
	/* Who ends the lead makes all threads fence, before this load, which then sees it, or after
	 * the store, which it then sees. */
	atomic_signal_fence(memory_order_seq_cst);
	return is_watched(atomic_load_explicit(&ring->mode, memory_order_relaxed));
}

/* Make the slots below tail visible. mode: as it was a moment ago. */
static inline enum ring_put publish(struct ring *ring, uint64_t mode, uint64_t tail)
{
	if (is_watched(mode) && publish_led(ring, tail))
		return RING_PUT_WATCHED;
	/* R1, pairs with A1 in ring_tail(): who reads this tail also reads the items below it.
	 * Without it a consumer copies a slot's previous item. An update for its fence. */
	atomic_exchange_explicit(&ring->tail, tail, memory_order_seq_cst);
	/* Pairs with ring_close(): it reads this tail, or we read that it closed. */
	return atomic_load_explicit(&ring->mode, memory_order_seq_cst) == RING_CLOSED
	               ? RING_PUT_CLOSING
	               : RING_PUT;
}

FAST_PATH enum ring_put ring_put_word(struct ring *ring, const void *item)
{
	/* Relaxed: publish() looks again. */
	uint64_t mode = atomic_load_explicit(&ring->mode, memory_order_relaxed);
	uint64_t tail = own_tail(ring);
	uint64_t word;

	if (mode == RING_CLOSED || ring->slots.item_size != sizeof word ||
	    ring_distance(tail, ring->put_until) <= 0)
		return RING_NOT_PUT;
	__builtin_prefetch(slots_word(&ring->slots, tail + PREFETCH_ITEMS), 1);
	memcpy(&word, item, sizeof word);
	/* Relaxed, as are the loads in ring_take_word(): R1/A1 and R2/A2 order the slots. */
	atomic_store_explicit(slots_word(&ring->slots, tail), word, memory_order_relaxed);
	return publish(ring, mode, (tail + 1) & ~RING_OPEN);
}

SLOW_PATH INTERNAL ssize_t ring_put_closing(struct ring *ring, uint64_t n)
{
	uint64_t tail = own_tail(ring);
	uint64_t end = RING_OPEN;

	/* Pairs with last_tail(). */
	if (atomic_compare_exchange_strong_explicit(&ring->end, &end, tail, memory_order_seq_cst,
	                                            memory_order_seq_cst))
		return (ssize_t)n;
	return ring_distance(tail, end) >= 0 ? (ssize_t)n : -ESHUTDOWN;
}

INTERNAL ssize_t ring_put_known(struct ring *ring, const void *items, size_t n, bool *watched)
{
	/* As in ring_put_word(). */
	uint64_t mode = atomic_load_explicit(&ring->mode, memory_order_relaxed);
	uint64_t tail = own_tail(ring);
	uint64_t room = (uint64_t)ring_distance(tail, ring->room_until);
	enum ring_put how;

	if (mode == RING_CLOSED)
		return -ESHUTDOWN;
	if (room == 0)
		return 0;
	if (n > room)
		n = (size_t)room;
	slots_write(&ring->slots, tail, items, n, room);
	how = publish(ring, mode, (tail + n) & ~RING_OPEN);
	*watched = how == RING_PUT_WATCHED;
	return how == RING_PUT_CLOSING ? ring_put_closing(ring, n) : (ssize_t)n;
}

/* The tail at which the ring was closed: the first to ask decides. */
SLOW_PATH static uint64_t last_tail(struct ring *ring)
{
	uint64_t end = atomic_load_explicit(&ring->end, memory_order_seq_cst);
	uint64_t tail;

	if (end != RING_OPEN)
		return end;
	/* For a put that a leader watches; see publish_led(). */
	if (ring->may_lead)
		park_fence_all();
	tail = atomic_load_explicit(&ring->tail, memory_order_seq_cst);
	/* Pairs with ring_put_closing(). */
	return atomic_compare_exchange_strong_explicit(&ring->end, &end, tail, memory_order_seq_cst,
	                                               memory_order_seq_cst)
	               ? tail
	               : end;
}

INTERNAL uint64_t ring_tail(struct ring *ring)
{
	/* A1, pairs with R1; sequentially consistent for the gates. An update that changes nothing:
	 * with a load, last_tail() might still find an older tail, as R1 need not be in the order
	 * that all agree on. (x86 and ARM have no such machines.) */
	uint64_t tail = atomic_fetch_add_explicit(&ring->tail, 0, memory_order_seq_cst);

	/* Pairs with ring_close(): if this is not closed, closing will find that tail. */
	return atomic_load_explicit(&ring->mode, memory_order_seq_cst) == RING_CLOSED
	               ? last_tail(ring)
	               : tail;
}

INTERNAL uint64_t ring_tail_glimpsed(const struct ring *ring)
{
	/* Pairs with last_tail(). */
	uint64_t end = atomic_load_explicit(&ring->end, memory_order_seq_cst);

	/* A1, pairs with R1; sequentially consistent for the gates. */
	return end != RING_OPEN ? end : atomic_load_explicit(&ring->tail, memory_order_seq_cst);
}

/* Look at the producer's tail: the positions before it can be taken. */
SLOW_PATH static uint64_t fresh_tail(struct ring *ring, uint64_t head)
{
	uint64_t tail = ring_tail(ring);

	if (ring_distance(head, tail) > 0 &&
	    ring_distance(atomic_load_explicit(&ring->tail_seen, memory_order_relaxed), tail) > 0) {
		/* R4, pairs with A4: hands on what A1 acquired. An older tail may still overwrite a
		 * newer one; that costs a look at tail, no more. */
		atomic_store_explicit(&ring->tail_seen, tail, memory_order_release);
		/* A hint; orders nothing. */
		atomic_store_explicit(&ring->batch, (uint64_t)ring_distance(head, tail),
		                      memory_order_relaxed);
	}
	return tail;
}

/* How many items from head on were seen; negative if head is beyond all of them. */
static inline int64_t known_items(struct ring *ring, uint64_t head)
{
	/* A4, pairs with R4 above. */
	return ring_distance(head, atomic_load_explicit(&ring->tail_seen, memory_order_acquire));
}

/* Make what lies before to ours, if head is still this. */
static bool move_head(struct ring *ring, uint64_t head, uint64_t to)
{
	/* R2, pairs with A2 in ring_head() and A3 in ring_take(). Failing, as strong as A3. */
	return atomic_compare_exchange_strong_explicit(&ring->head, &head, to & ~RING_OPEN,
	                                               memory_order_seq_cst, memory_order_acquire);
}

/* Make n items from head on the caller's: false if another consumer was faster. */
static bool claim(struct ring *ring, struct cell *cell, bool leads, uint64_t head, size_t n)
{
	if (leads)
		return lead_take(ring, cell, n);
	if (!move_head(ring, head, head + n))
		return false;
	if (cell != NULL)
		cell_set_got(cell, cell_got(cell) + n);
	return true;
}

/* Take n of the known items from head on: n, or 0 if another consumer was faster. What is copied
 * before it is the caller's may be another's: where it is small it does not reach the caller. */
static size_t take_from(struct ring *ring, struct cell *cell, bool leads, uint64_t head,
                        void *items, size_t n, uint64_t known)
{
	unsigned char copy[COPY_BYTES];
	size_t bytes = n * ring->slots.item_size;
	uint64_t word;

	if (n == 1 && bytes == sizeof word) {
		word = atomic_load_explicit(slots_word(&ring->slots, head), memory_order_relaxed);
		if (!claim(ring, cell, leads, head, n))
			return 0;
		memcpy(items, &word, sizeof word);
		return n;
	}
	if (bytes > sizeof copy) {
		slots_read(&ring->slots, head, items, n, known);
		return claim(ring, cell, leads, head, n) ? n : 0;
	}
	slots_read(&ring->slots, head, copy, n, known);
	if (!claim(ring, cell, leads, head, n))
		return 0;
	memcpy(items, copy, bytes);
	return n;
}

INTERNAL enum ring_take ring_take_known(struct ring *ring, struct cell *cell, void *items, size_t n)
{
	bool leads = lead_is_of(ring, cell);
	/* A3, pairs with R2: the tail we read next is not behind this head. */
	uint64_t head =
	        leads ? lead_at(cell) : atomic_load_explicit(&ring->head, memory_order_acquire);
	int64_t known;

	if (head & LEAD)
		return RING_NONE_KNOWN;
	known = known_items(ring, head);
	if (known <= 0 || (uint64_t)known < n)
		return RING_NONE_KNOWN;
	return take_from(ring, cell, leads, head, items, n, (uint64_t)known) ? RING_TAKEN
	                                                                     : RING_LOST;
}

/* The leader's way, and everybody's: one after the other rather than mixed, which would cost the
 * leader a tenth. The copy stays in a register until the item is ours. */
FAST_PATH enum ring_take ring_take_word(struct ring *ring, struct cell *cell, uint64_t *word)
{
	uint64_t head;
	int64_t known;

	if (cell == NULL || ring->slots.item_size != sizeof *word)
		return RING_NO_WORD;
	if (lead_is_of(ring, cell)) {
		head = lead_at(cell);
		known = known_items(ring, head);
		if (known <= 0)
			return RING_NONE_KNOWN;
		if (known > PREFETCH_KNOWN + (int64_t)(CACHE_LINE / sizeof *word))
			__builtin_prefetch(slots_word(&ring->slots, head + PREFETCH_KNOWN));
		*word = atomic_load_explicit(slots_word(&ring->slots, head), memory_order_relaxed);
		if (!lead_claim(ring, cell, 1))
			return RING_TAKE_DISPUTED;
		lead_advance(cell, 1);
		return RING_TAKEN;
	}
	/* A3, as in ring_take_known(). */
	head = atomic_load_explicit(&ring->head, memory_order_acquire);
	if (head & LEAD || known_items(ring, head) <= 0)
		return RING_NONE_KNOWN;
	*word = atomic_load_explicit(slots_word(&ring->slots, head), memory_order_relaxed);
	if (!move_head(ring, head, head + 1))
		return RING_LOST;
	cell_set_got(cell, cell_got(cell) + 1);
	return RING_TAKEN;
}

/* The head, after ending a lead if there is one. */
static uint64_t head_to_take(struct ring *ring)
{
	uint64_t head;

	/* A3, as in ring_take_known(); sequentially consistent for lead_begin(). */
	while ((head = atomic_load_explicit(&ring->head, memory_order_seq_cst)) & LEAD)
		lead_end(ring, head);
	return head;
}

SLOW_PATH INTERNAL void ring_end_lead(struct ring *ring)
{
	/* As in head_to_take(). */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_seq_cst);

	if (head & LEAD)
		lead_end(ring, head);
}

INTERNAL ssize_t ring_take(struct ring *ring, struct cell *cell, void *items, size_t max, bool last)
{
	size_t n;

	if (last)
		lead_rest(cell);
	do {
		bool leads = !last && lead_is_of(ring, cell);
		uint64_t head = leads ? lead_at(cell) : head_to_take(ring);
		/* Before the tail: what was put before it was closed is then seen. */
		bool closed = ring_is_closed(ring);
		uint64_t there;
		int64_t known;

		/* A lead is about to begin, and a put may rely on it already. */
		if (last && ring_is_led(ring))
			park_fence_all();
		known = known_items(ring, head);
		there = known > 0 && (uint64_t)known >= max
		                ? (uint64_t)known
		                : (uint64_t)ring_distance(head, fresh_tail(ring, head));
		if (there == 0)
			return closed ? -ESHUTDOWN : 0;
		n = there < max ? (size_t)there : max;
		n = take_from(ring, cell, leads, head, items, n, there);
		if (n == 0 && cell != NULL)
			cell_back_off(cell, head);
		/* Others take faster than so many can be copied: next time half of them. */
		max = max > 1 ? max / 2 : 1;
	} while (n == 0);
	return (ssize_t)n;
}

INTERNAL uint64_t ring_discard(struct ring *ring)
{
	uint64_t head, n;

	do {
		head = head_to_take(ring);
		n = (uint64_t)ring_distance(head, last_tail(ring));
	} while (n > 0 && !move_head(ring, head, head + n));
	return n;
}

INTERNAL void ring_close(struct ring *ring)
{
	/* Pairs with publish() and ring_tail(): after it no put succeeds but those that last_tail()
	 * finds, and a get that sees it and no items knows that there will be none. */
	atomic_exchange_explicit(&ring->mode, RING_CLOSED, memory_order_seq_cst);
	last_tail(ring);
}

INTERNAL bool ring_is_led(const struct ring *ring)
{
	/* Pairs with lead_begin(): a put that relies on it comes later. */
	return atomic_load_explicit(&ring->mode, memory_order_seq_cst) > RING_CLOSED;
}

INTERNAL bool ring_is_closed(const struct ring *ring)
{
	/* A snapshot; orders nothing. */
	return atomic_load_explicit(&ring->mode, memory_order_relaxed) == RING_CLOSED;
}

INTERNAL uint64_t ring_head(const struct ring *ring)
{
	/* A2, pairs with R2; sequentially consistent for the completion gate (see tally.c). */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_seq_cst);

	return head & LEAD ? lead_seen(ring, head) : head;
}

INTERNAL uint64_t ring_batch(const struct ring *ring)
{
	/* A hint; orders nothing. */
	return atomic_load_explicit(&ring->batch, memory_order_relaxed);
}

INTERNAL bool ring_keeps_pace(struct ring *ring, int64_t n, int64_t ns)
{
	/* Relaxed, all of it: a hint; orders nothing. */
	uint64_t head = ring_head(ring);
	int64_t taken =
	        ring_distance(atomic_load_explicit(&ring->paced_head, memory_order_relaxed), head);
	int64_t now, passed;
	bool paced;

	if (taken < n)
		return atomic_load_explicit(&ring->paced, memory_order_relaxed);
	now = clock_ns();
	passed = now - atomic_load_explicit(&ring->paced_ns, memory_order_relaxed);
	paced = passed / taken < ns;
	atomic_store_explicit(&ring->paced_ns, now, memory_order_relaxed);
	atomic_store_explicit(&ring->paced_head, head, memory_order_relaxed);
	atomic_store_explicit(&ring->paced, paced, memory_order_relaxed);
	return paced;
}

INTERNAL bool ring_knows_more(const struct ring *ring)
{
	/* The hint first, so that head is not older than it; see spmcq_task_done(). */
	uint64_t tail = atomic_load_explicit(&ring->tail_seen, memory_order_acquire);

	return ring_distance(ring_head(ring), tail) > 0;
}

INTERNAL size_t ring_size(const struct ring *ring)
{
	/* head first: a tail read later is not behind it, and at most the excess over capacity is
	 * what consumers took in between. */
	uint64_t head = ring_head(ring);
	int64_t size = ring_distance(head, ring_tail_glimpsed(ring));

	return size > (int64_t)ring->capacity ? (size_t)ring->capacity : (size_t)size;
}
