/*
 * Taking items: claims and their notes. See take.h.
 */
#include "take.h"

#include "calls.h"
#include "run.h"

#include <errno.h>

enum { BACKOFF_MOST = 4096 };

/* Takes of up to this many bytes are copied to the stack first, so that a get that loses its claim
 * leaves the caller's buffer unchanged. */
enum { SMALL_BYTES = 64 };

struct claim {
	enum lane lane;
	uint64_t word;     /* the value of head that was read */
	uint64_t at;       /* the position in `word` */
	uint64_t n;        /* how many items are to be taken */
	uint64_t run_at;   /* if sealed: position of the run of `at`, */
	uint64_t run_n;    /* and how many items it has */
	uint64_t kept;     /* lane AGAIN: the kept place of the item, */
	uint64_t position; /* and its position */
};

static _Atomic uint64_t *head_of(const struct handle *h, enum lane lane)
{
	return lane == QUEUE ? &h->two->head : &h->two->again_head;
}

/* Returns the known end of a lane, for a thread that has read the position `at` in head. If no item
 * from `at` on is known, reads tail if `fresh`, and returns `at` otherwise. Always reads the tail
 * of the lane AGAIN. */
static uint64_t lane_end(struct handle *h, enum lane lane, uint64_t at, bool fresh)
{
	uint64_t seen;

	if (lane == AGAIN)
		/* Acquire, pairs with again_put(): the entries before it are written. */
		return atomic_load_explicit(&h->one->again_tail, memory_order_acquire);
	/* Acquire, pairs with the release below in another thread of this process: this thread may
	 * read the slots that the other thread could read. */
	seen = atomic_load_explicit(&h->tail_seen, memory_order_acquire);
	if (position_distance(at, seen) > 0 || !fresh)
		return position_distance(at, seen) > 0 ? seen : at;
	/* The item's line is read beside that of tail, not after it: a consumer that polls sees an
	 * item up to a sixth sooner. */
	__builtin_prefetch(slot_of(h, at));
	seen = queue_end(h);
	atomic_store_explicit(&h->tail_seen, seen, memory_order_release);
	/* Relaxed: a hint. */
	atomic_store_explicit(&h->batch, position_distance(at, seen), memory_order_relaxed);
	return seen;
}

static void copy_out(const struct handle *h, uint64_t position, void *items, uint64_t n)
{
	/* Items that the copy may prefetch. Relaxed: a hint. */
	int64_t seen = position_distance(position,
	                                 atomic_load_explicit(&h->tail_seen, memory_order_relaxed));
	uint64_t known = seen > (int64_t)n ? (uint64_t)seen : n;
	unsigned char *to = items;

	while (n > 0) {
		uint64_t run = slots_in_a_row(h, position, n);
		const slot_word *from = slot_of(h, position);

		words_out(to, from, run * h->layout.item_size,
		          from + slots_in_a_row(h, position, known) * h->layout.slot_words);
		to += run * h->layout.item_size;
		position += run;
		known -= run;
		n -= run;
	}
}

/* Returns the kept place of the item at a position of the lane AGAIN. Relaxed: lane_end() has
 * acquired the entry. */
static uint64_t kept_place(const struct handle *h, uint64_t at)
{
	return atomic_load_explicit(&again_at(h, at)->kept, memory_order_relaxed);
}

/* Returns how many items of the run are before the first one that is to be taken. */
static uint64_t skipped(const struct claim *claim)
{
	return (claim->at - claim->run_at) & POSITION_ONES;
}

/* Copy the items of a claim to `to`; if they are sealed, copy the whole run to the seat's buffer.
 * Returns false if an invalid value was read, as can happen when other consumers took the items
 * meanwhile. Relaxed: lane_end() has acquired the items; if the slots are filled again meanwhile,
 * the claim fails. */
static bool read_items(struct handle *h, struct my_seat *me, struct claim *claim, void *to)
{
	if (claim->lane == AGAIN) {
		claim->kept = kept_place(h, claim->at);
		if (claim->kept >= h->layout.kept)
			return false;
		claim->position = atomic_load_explicit(&kept_at(h, claim->kept)->position,
		                                       memory_order_relaxed);
		claim->n = 1;
		words_out(h->key != NULL ? me->run : to, kept_item(kept_at(h, claim->kept)),
		          h->layout.item_size + (h->key != NULL ? h->layout.tag_size : 0),
		          kept_item(kept_at(h, claim->kept)));
		return true;
	}
	if (h->key == NULL) {
		copy_out(h, claim->at, to, claim->n);
		return true;
	}
	if (!run_find(h, claim->at, &claim->run_at, &claim->run_n))
		return false;
	if (claim->n > claim->run_n - skipped(claim))
		claim->n = claim->run_n - skipped(claim);
	run_read(h, claim->run_at, claim->run_n, me->run);
	return true;
}

/* If the queue is sealed, open the items that were copied and taken. Returns 0 or -EBADMSG. */
static int open_items(struct handle *h, struct my_seat *me, const struct claim *claim, void *to)
{
	if (h->key == NULL)
		return 0;
	if (claim->lane == AGAIN)
		return run_open(h, me->run, RUN_AGAIN | claim->position, 1, 0, 1, to);
	return run_open(h, me->run, claim->run_at, claim->run_n, skipped(claim), claim->n, to);
}

static struct note *next_note(struct my_seat *me)
{
	return &me->seat->notes[me->takes % NOTES];
}

/* Write a claim into the next note. Relaxed: the compare-and-swap that follows releases the stores.
 */
static inline void write_note(struct my_seat *me, const struct claim *claim)
{
	struct note *note = next_note(me);

	atomic_store_explicit(&note->start, claim->lane == AGAIN ? claim->kept : claim->at,
	                      memory_order_relaxed);
	atomic_store_explicit(&note->end, position_after(claim->at, claim->n),
	                      memory_order_relaxed);
	atomic_store_explicit(&note->lane, claim->lane, memory_order_relaxed);
	/* This field is written last: a note that is only partly written still has the `before` of
	 * an older take, so seat_held() ignores it. Release, pairs with read_note(). */
	atomic_store_explicit(&note->before, atomic_load_explicit(&me->taken, memory_order_relaxed),
	                      memory_order_release);
}

/* Make the next note invalid, because other consumers took its items: no valid `before` is that
 * large. Relaxed: even without this store has_succeeded() returns false for the note. */
static void forget_note(struct my_seat *me)
{
	atomic_store_explicit(&next_note(me)->before, UINT64_MAX, memory_order_relaxed);
}

/* Confirm the take by which another seat moved head to the position in `word`. */
__attribute__((noinline)) static void confirm(struct handle *h, enum lane lane, uint64_t word)
{
	struct seat *other = seat_at(h, word_seat(word));
	_Atomic uint64_t *confirmed = &other->confirmed[lane];
	uint64_t at = word_position(word);
	/* Acquire, pairs with note_take(): if seat_held() reads the head that this thread sets
	 * next, it then reads this `end`, too. */
	uint64_t end = atomic_load_explicit(&other->end[lane], memory_order_acquire);

	if (position_distance(at, end) >= 0)
		return;
	end = atomic_load_explicit(confirmed, memory_order_relaxed);
	/* If the compare-and-swap fails and `confirmed` is still before `at`, another thread has
	 * confirmed an older take of the same seat. Each other thread can do so at most once during
	 * this loop: it then reads head again, and finds this take or a later one. So as many
	 * attempts as there are seats are enough; the bound makes the loop end even if a hostile
	 * process writes here all the time. Release, pairs with is_at_or_behind(). The loads are
	 * relaxed: if seat_held() reads the head that this thread sets next, it reads the same
	 * value of `confirmed`, or a later one. */
	for (uint64_t i = 0; i <= h->layout.seats && position_distance(end, at) > 0; i++)
		if (atomic_compare_exchange_strong_explicit(
		            confirmed, &end, at, memory_order_release, memory_order_relaxed))
			return;
}

/* Returns the value of head after the claim, if it succeeds. */
static inline uint64_t word_after(const struct my_seat *me, const struct claim *claim)
{
	return head_word(position_after(claim->at, claim->n), me->number);
}

/* Step 4 of take.h. */
static inline bool move_head(struct handle *h, const struct my_seat *me, const struct claim *claim)
{
	uint64_t word = claim->word;

	/* Sequentially consistent, for the producer's gate. Release, pairs with the acquire of head
	 * by the next claim, by look_for_room() and by has_succeeded(): the items were read, the
	 * note is written, the take of the other seat is confirmed. */
	return atomic_compare_exchange_strong_explicit(head_of(h, claim->lane), &word,
	                                               word_after(me, claim), memory_order_seq_cst,
	                                               memory_order_relaxed);
}

/* Steps 2 to 4. No statement here takes the address of the claim, so that it can stay in registers.
 */
static inline bool claim_items(struct handle *h, struct my_seat *me, const struct claim *claim)
{
	write_note(me, claim);
	if (word_seat(claim->word) != me->number && word_seat(claim->word) != NO_SEAT)
		confirm(h, claim->lane, claim->word);
	return move_head(h, me, claim);
}

/* Count a take that has happened. Release, pairs with confirm(), is_at_or_behind() and seat_held().
 * Relaxed: only this thread writes these words. */
static inline void note_take(struct my_seat *me, const struct claim *claim)
{
	atomic_store_explicit(&me->seat->end[claim->lane], position_after(claim->at, claim->n),
	                      memory_order_release);
	if (me->before != NULL)
		me->before[me->takes % NOTES] =
		        atomic_load_explicit(&me->taken, memory_order_relaxed);
	me->takes++;
	/* Release, pairs with unreported_of(). */
	atomic_store_explicit(&me->taken,
	                      atomic_load_explicit(&me->taken, memory_order_relaxed) + claim->n,
	                      memory_order_release);
	atomic_store_explicit(&me->seat->takes, me->takes, memory_order_release);
}

static void back_off(struct my_seat *me)
{
	uint64_t pauses;

	/* Xorshift, Marsaglia 2003. */
	me->chance ^= me->chance << 13;
	me->chance ^= me->chance >> 7;
	me->chance ^= me->chance << 17;
	for (pauses = me->chance % me->backoff; pauses > 0; pauses--)
		ck_pr_stall();
	if (me->backoff < BACKOFF_MOST)
		me->backoff *= 2;
}

/* Returns false if head is behind a head that this process has read before. Release and acquire: a
 * thread that reads head_seen reads no older head afterwards. A newer value of head_seen may be
 * overwritten by an older one; a head that moves back is then detected later. */
static inline bool see_head(struct handle *h, const struct claim *claim)
{
	_Atomic uint64_t *seen = &h->head_seen[claim->lane];

	if (position_distance(atomic_load_explicit(seen, memory_order_acquire), claim->at) < 0)
		return false;
	atomic_store_explicit(seen, claim->at, memory_order_release);
	return true;
}

/* Returns whether head has not moved. This is a compare-and-swap that changes nothing, because a
 * load could return a value that is older than the other words which were read since. */
static bool is_still(_Atomic uint64_t *head, uint64_t word)
{
	return atomic_compare_exchange_strong_explicit(head, &word, word, memory_order_seq_cst,
	                                               memory_order_seq_cst);
}

enum look { LOOK_NONE, LOOK_SOME, LOOK_INVALID, LOOK_MOVED };

/* Returns how many items are known from head on; reads tail as lane_end() does. Returns a negative
 * number if head and tail cannot be true together. */
static int64_t items_behind(struct handle *h, const struct claim *claim, bool fresh)
{
	int64_t most =
	        (int64_t)(claim->lane == QUEUE ? h->layout.capacity : h->layout.again_mask + 1);
	int64_t n = position_distance(claim->at, lane_end(h, claim->lane, claim->at, fresh));

	if (n > most && claim->lane == QUEUE) {
		/* Either tail_seen is so old that positions have wrapped since, or head has moved
		 * on since it was read. Replace tail_seen and read tail. Relaxed: the items before
		 * `at` are taken already. */
		atomic_store_explicit(&h->tail_seen, claim->at, memory_order_relaxed);
		n = position_distance(claim->at, lane_end(h, claim->lane, claim->at, true));
	}
	/* No items are left before the end; or other processes have taken items that a successor
	 * put, and this process has not rejoined. */
	if (n < 0 && ((claim->lane == QUEUE && is_closed(h)) || producer_is_gone(h)))
		return 0;
	return n <= most ? n : -1;
}

/* Read head of a lane, and find out how many items can be claimed. The load of head is sequentially
 * consistent, for the gates, which includes the acquire that pairs with claim_items(). */
static enum look look_at(struct handle *h, struct claim *claim, uint64_t max, bool fresh)
{
	int64_t known;

	claim->word = atomic_load_explicit(head_of(h, claim->lane), memory_order_seq_cst);
	claim->at = word_position(claim->word);
	known = see_head(h, claim) ? items_behind(h, claim, fresh) : -1;
	if (known == 0)
		return LOOK_NONE;
	if (known > 0 &&
	    (word_seat(claim->word) == NO_SEAT || word_seat(claim->word) < h->layout.seats)) {
		claim->n = (uint64_t)known < max ? (uint64_t)known : max;
		return LOOK_SOME;
	}
	/* These values are invalid, unless head was moved after it was read. */
	return is_still(head_of(h, claim->lane), claim->word) ? LOOK_INVALID : LOOK_MOVED;
}

/* Returns whether the seat may take again. With redeliver all unreported items have to be in the
 * notes of the last NOTES - 1 takes. Relaxed: only this thread writes it. */
static bool has_room_for_note(const struct my_seat *me)
{
	return me->before == NULL || me->takes < NOTES - 1 ||
	       me->before[(me->takes + 2) % NOTES] <=
	               atomic_load_explicit(&me->reported, memory_order_relaxed);
}

/* Take the items that look_at() found. Returns 1, 0 if other consumers took them, or -EPROTO. */
static int try_to_take(struct handle *h, struct my_seat *me, struct claim *claim, void *to)
{
	if (!read_items(h, me, claim, to)) {
		/* If head has not moved, no other consumer took the items, so another process wrote
		 * an invalid value. */
		if (is_still(head_of(h, claim->lane), claim->word))
			return break_handle(h);
	} else if (claim_items(h, me, claim)) {
		note_take(me, claim);
		me->backoff -= me->backoff > 2 * BACKOFF_LEAST ? me->backoff / 8 : 0;
		return 1;
	}
	back_off(me);
	return 0;
}

/* Give the caller the items that were taken. Returns how many, or -EBADMSG. */
static ssize_t hand_over(struct handle *h, struct my_seat *me, const struct claim *claim,
                         const unsigned char *small, void *items)
{
	bool is_small = claim->n * h->layout.item_size <= SMALL_BYTES;
	int r = open_items(h, me, claim, items);

	if (r != 0) {
		report_own(h, me, claim->n);
		return r;
	}
	if (h->key == NULL && is_small)
		memcpy(items, small, claim->n * h->layout.item_size);
	return (ssize_t)claim->n;
}

static ssize_t take_from(struct handle *h, struct my_seat *me, enum lane lane, void *items,
                         size_t max, bool fresh)
{
	unsigned char small[SMALL_BYTES];
	struct claim claim = {.lane = lane};
	uint64_t before = 0;

	me->head = NO_HEAD;
	for (bool first = true;; first = false) {
		enum look look = look_at(h, &claim, max, fresh);
		int r;

		if (look == LOOK_NONE) {
			if (!first)
				forget_note(me);
			return 0;
		}
		/* If a claim fails, another consumer has moved head on. If head has not advanced,
		 * another process wrote a false head. So this loop ends, whatever other processes
		 * write. */
		if (look == LOOK_INVALID || (!first && position_distance(before, claim.at) <= 0))
			return break_handle(h);
		before = claim.at;
		if (look == LOOK_MOVED)
			continue;
		if (!has_room_for_note(me))
			return -ENOBUFS;
		r = try_to_take(h, me, &claim,
		                claim.n * h->layout.item_size <= sizeof small ? small : items);
		if (r != 0)
			return r < 0 ? r : hand_over(h, me, &claim, small, items);
	}
}

/* After a claim of one word has succeeded. */
static inline void finish_word(struct my_seat *me, const struct claim *claim, uint64_t word,
                               void *item)
{
	note_take(me, claim);
	/* Only after two takes in a row: while consumers alternate, each expected head is wrong. */
	if (word_seat(claim->word) == me->number)
		me->head = word_after(me, claim);
	memcpy(item, &word, sizeof word);
}

/* The common case of take_from() for one item, in a fourth of the instructions (measured by
 * `spmcq-bench squares --between processes`). Acquire, as in lane_end() and look_at(). Relaxed: if
 * the slot is filled again meanwhile, the claim fails. */
INTERNAL bool take_word(struct handle *h, struct my_seat *me, void *item)
{
	struct claim claim = {.lane = QUEUE, .n = 1};
	uint64_t seen = atomic_load_explicit(&h->tail_seen, memory_order_acquire), word;
	int64_t known;

	me->head = NO_HEAD;
	claim.word = atomic_load_explicit(&h->two->head, memory_order_acquire);
	claim.at = word_position(claim.word);
	known = position_distance(claim.at, seen);
	if (!see_head(h, &claim) || known <= 0 || (uint64_t)known > h->layout.capacity ||
	    (word_seat(claim.word) != me->number && word_seat(claim.word) >= h->layout.seats))
		return false;
	word = atomic_load_explicit(slot_of(h, claim.at), memory_order_relaxed);
	if (!claim_items(h, me, &claim))
		return false;
	finish_word(me, &claim, word, item);
	return true;
}

/* As take_word(), but does not read head: it expects head where this seat left it. To load head
 * soon after the compare-and-swap takes 3 ns longer than to load me->head, and the note needs the
 * value. If another seat has moved head, the claim fails. Step 3 is not needed, because this seat
 * itself moved head there. */
FAST_PATH bool take_word_alone(struct handle *h, struct my_seat *me, void *item)
{
	struct claim claim = {
	        .lane = QUEUE, .n = 1, .word = me->head, .at = word_position(me->head)};
	int64_t known = position_distance(
	        claim.at, atomic_load_explicit(&h->tail_seen, memory_order_acquire));
	uint64_t word;

	if (me->head == NO_HEAD || !see_head(h, &claim) || known <= 0 ||
	    (uint64_t)known > h->layout.capacity)
		return false;
	word = atomic_load_explicit(slot_of(h, claim.at), memory_order_relaxed);
	write_note(me, &claim);
	if (!move_head(h, me, &claim))
		return false;
	finish_word(me, &claim, word, item);
	return true;
}

static uint64_t again_tail(const struct handle *h)
{
	/* Sequentially consistent, pairs with again_put(), also for the gate. */
	return atomic_load_explicit(&h->one->again_tail, memory_order_seq_cst);
}

INTERNAL ssize_t take_known(struct handle *h, struct my_seat *me, void *items, size_t max)
{
	ssize_t r = h->redelivers ? take_from(h, me, AGAIN, items, 1, true) : 0;

	return r != 0 ? r : take_from(h, me, QUEUE, items, max, false);
}

INTERNAL ssize_t take(struct handle *h, struct my_seat *me, void *items, size_t max)
{
	uint64_t again;
	ssize_t r;

	if (!h->redelivers)
		return take_from(h, me, QUEUE, items, max, true);
	/* If again_tail has not changed while both lanes were read, the lane AGAIN was still empty
	 * when QUEUE was found empty, so the result 0 is exact. Sequentially consistent, pairs with
	 * again_put(). */
	do {
		again = again_tail(h);
		r = take_from(h, me, AGAIN, items, 1, true);
		if (r == 0)
			r = take_from(h, me, QUEUE, items, max, true);
	} while (r == 0 && again != again_tail(h));
	return r;
}

INTERNAL bool is_drained(struct handle *h)
{
	/* Sequentially consistent, pairs with claim_items(). Each end is read after its head. */
	uint64_t at = word_position(atomic_load_explicit(&h->two->head, memory_order_seq_cst));

	if (!has_ended(h, at))
		return false;
	at = word_position(atomic_load_explicit(&h->two->again_head, memory_order_seq_cst));
	return position_distance(at, again_tail(h)) <= 0;
}

/* Take all items of a lane without reading them, and report them. Returns how many, or -EPROTO. */
static ssize_t drop_from(struct handle *h, struct my_seat *me, enum lane lane)
{
	struct claim claim = {.lane = lane};
	uint64_t before = 0, dropped = 0;

	me->head = NO_HEAD;
	for (bool first = true;; first = false) {
		enum look look = look_at(h, &claim, lane == QUEUE ? SIZE_MAX : 1, true);

		if (look == LOOK_NONE)
			return (ssize_t)dropped;
		if (look == LOOK_INVALID || (!first && position_distance(before, claim.at) <= 0))
			return break_handle(h);
		before = claim.at;
		if (lane == AGAIN)
			/* The note contains the kept place. */
			claim.kept = kept_place(h, claim.at);
		if (look == LOOK_SOME && claim_items(h, me, &claim)) {
			note_take(me, &claim);
			report_own(h, me, claim.n);
			dropped += claim.n;
		}
	}
}

INTERNAL ssize_t drop_all(struct handle *h, struct my_seat *me)
{
	ssize_t again = h->redelivers ? drop_from(h, me, AGAIN) : 0;
	ssize_t queue = again < 0 ? 0 : drop_from(h, me, QUEUE);

	return again < 0 ? again : queue < 0 ? queue : again + queue;
}
