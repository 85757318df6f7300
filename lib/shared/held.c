/*
 * Finds out from its notes what a seat holds.
 */
#include "held.h"

struct note_copy {
	uint64_t start, end, before;
	enum lane lane;
	uint64_t items; /* 0: the note is invalid */
};

static struct note_copy read_note(const struct handle *h, const struct seat *seat, uint64_t take)
{
	const struct note *note = &seat->notes[take % NOTES];
	/* Acquire, pairs with write_note(), which writes `before` last: the rest can be relaxed. */
	uint64_t before = atomic_load_explicit(&note->before, memory_order_acquire);
	struct note_copy copy = {
	        .start = atomic_load_explicit(&note->start, memory_order_relaxed),
	        .end = atomic_load_explicit(&note->end, memory_order_relaxed) & POSITION_ONES,
	        .before = before,
	        .lane = atomic_load_explicit(&note->lane, memory_order_relaxed) == AGAIN ? AGAIN
	                                                                                 : QUEUE,
	};

	if (copy.lane == AGAIN) {
		copy.items = copy.start < h->layout.kept ? 1 : 0;
	} else {
		int64_t n = position_distance(copy.start, copy.end);

		copy.start &= POSITION_ONES;
		copy.items = n > 0 && (uint64_t)n <= h->layout.capacity ? (uint64_t)n : 0;
	}
	return copy;
}

/* Acquire: see has_succeeded(). */
static bool is_at_or_behind(uint64_t end, const _Atomic uint64_t *known)
{
	return position_distance(end, atomic_load_explicit(known, memory_order_acquire)) >= 0;
}

/* Returns whether the take of a seat's next note has happened. */
static bool has_succeeded(const struct handle *h, const struct seat *seat, uint64_t number,
                          const struct note_copy *note)
{
	const _Atomic uint64_t *head = note->lane == QUEUE ? &h->two->head : &h->two->again_head;

	/* Head is read first: if another seat has moved head since this take, it confirmed the take
	 * before. If the take has not happened, the end of the note is beyond all items that this
	 * seat took, so neither `confirmed` nor `end` can have reached it. Acquire, pairs with
	 * claim_items(), confirm() and note_take(). */
	return atomic_load_explicit(head, memory_order_acquire) == head_word(note->end, number) ||
	       is_at_or_behind(note->end, &seat->confirmed[note->lane]) ||
	       is_at_or_behind(note->end, &seat->end[note->lane]);
}

/* Call see() for the items of a note that are not among the first `reported` of the seat. */
static void show(const struct note_copy *note, uint64_t reported, held_see *see, void *arg)
{
	uint64_t skip = reported > note->before ? reported - note->before : 0;
	struct held held = {.lane = note->lane, .start = note->start, .items = note->items - skip};

	if (skip >= note->items)
		return;
	if (note->lane == QUEUE)
		held.start = position_after(note->start, skip);
	see(arg, &held);
}

/* Returns the number of the oldest take that has a sure note and an item not yet reported; `takes`
 * if there is none. */
static uint64_t first_held(const struct handle *h, const struct seat *seat, uint64_t takes,
                           uint64_t reported)
{
	uint64_t oldest = takes > NOTES - 1 ? takes - (NOTES - 1) : 0;
	uint64_t first = takes;

	while (first > oldest) {
		struct note_copy note = read_note(h, seat, first - 1);

		if (note.before + note.items <= reported)
			break;
		first--;
	}
	return first;
}

INTERNAL struct seat_sum seat_held(const struct handle *h, uint64_t number, held_see *see,
                                   void *arg)
{
	const struct seat *seat = seat_at(h, number);
	/* `done` is read before `takes`. If the thread reports an item between the two loads, that
	 * item is treated as held although it is not; a held item is never left out. Sequentially
	 * consistent and acquire, pairs with report_own() and note_take(). */
	uint64_t reported = atomic_load_explicit(&seat->done, memory_order_seq_cst);
	uint64_t takes = atomic_load_explicit(&seat->takes, memory_order_acquire);
	uint64_t first = first_held(h, seat, takes, reported);
	struct note_copy note = {0};
	struct seat_sum sum = {0};

	if (takes > 0) {
		note = read_note(h, seat, takes - 1);
		sum.taken = note.before + note.items;
	}
	for (uint64_t i = first; i < takes; i++) {
		note = read_note(h, seat, i);
		if (i == first && note.before > reported)
			sum.unknown = note.before - reported;
		if (note.items > 0)
			show(&note, reported, see, arg);
	}
	note = read_note(h, seat, takes);
	if (note.items > 0 && note.before == sum.taken && has_succeeded(h, seat, number, &note)) {
		sum.taken += note.items;
		show(&note, reported, see, arg);
	}
	sum.reported = reported < sum.taken ? reported : sum.taken;
	return sum;
}
