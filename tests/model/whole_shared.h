/*
 * What the model clients of the queue between processes share: a queue, processes that take from
 * it, and where each item has gone.
 */
#ifndef WHOLE_SHARED_H
#define WHOLE_SHARED_H

#include "processes.h"

/* A process is a thread of the case, of the same number; the producer's is what starts them. */
enum { PRODUCER, VICTIM, OTHER, THIRD, ROLES };

enum { ITEMS = 4, PLACES = 4 };

/* Wraps after the first item. */
#define FIRST_POSITION POSITION_ONES

/* Clients may say otherwise. */
#ifndef CAPACITY
#define CAPACITY ITEMS
#endif
#ifndef REDELIVERS
#define REDELIVERS false
#endif

/* What each process's thread got, in the order; the thread's own while it runs. */
struct taken {
	unsigned n;
	unsigned item[ITEMS];
};

static struct world {
	struct model_one {
		struct part_one part;
		struct peer_record records[ROLES];
		struct again again[PLACES];
		struct model_kept {
			struct kept kept;
			slot_word item;
		} kept[PLACES];
		slot_word slots[ITEMS];
	} one;
	struct model_two {
		struct part_two part;
		struct peer_line lines[ROLES];
		struct seat seats[ROLES];
	} two;
	struct handle process[ROLES];
	struct my_seat seats[ROLES];
	struct my_peer peers[ROLES];
	uint64_t before[ROLES][NOTES];
	uint64_t index[2 * PLACES], free_places[PLACES];
	bool needed[PLACES + 1];
	struct taken taken[ROLES];
} world;

#define LAYOUT                                                                                     \
	{                                                                                          \
		.capacity = CAPACITY, .first = FIRST_POSITION, .item_size = WORD,                  \
		.processes = ROLES, .threads = 1, .seats = ROLES, .run_most = 1,                   \
		.one_bytes = sizeof(struct model_one), .mask = ITEMS - 1, .slot_words = 1,         \
		.kept = REDELIVERS ? PLACES : 0, .again_mask = PLACES - 1,                         \
		.kept_words = sizeof(struct model_kept) / WORD,                                    \
		.records_at = offsetof(struct model_one, records),                                 \
		.again_at = offsetof(struct model_one, again),                                     \
		.kept_at = offsetof(struct model_one, kept),                                       \
		.slots_at = offsetof(struct model_one, slots),                                     \
		.lines_at = offsetof(struct model_two, lines),                                     \
		.seats_at = offsetof(struct model_two, seats),                                     \
	}
#define PROCESS(role)                                                                              \
	{                                                                                          \
		.layout = LAYOUT, .one = &world.one.part, .two = &world.two.part,                  \
		.redelivers = REDELIVERS, .has_words = !REDELIVERS, .number = (role),              \
		.is_producer = (role) == PRODUCER, .unchecked = true, .seats = &world.seats[role], \
		.lock = PTHREAD_MUTEX_INITIALIZER, .tail_seen = FIRST_POSITION,                    \
		.head_seen = {FIRST_POSITION}, .tail = FIRST_POSITION,                             \
		.room_limit = FIRST_POSITION, .head_of_room = FIRST_POSITION,                      \
		.places = {.index = world.index,                                                   \
		           .index_mask = 2 * PLACES - 1,                                           \
		           .free = world.free_places,                                              \
		           .n_free = PLACES,                                                       \
		           .needed = world.needed},                                                \
		.peers = world.peers,                                                              \
	}
#define MY_SEAT(role)                                                                              \
	{                                                                                          \
		.seat = &world.two.seats[role], .number = (role), .head = NO_HEAD, .backoff = 1,   \
		.chance = 1, .before = REDELIVERS ? world.before[role] : NULL,                     \
	}
/* Its thread is of the same number. */
#define MY_PEER(role)                                                                              \
	{                                                                                          \
		.is_used = true, .process = (role), .id = (role) + 1, .serial = (role) + 1         \
	}
#define RECORD(role)                                                                               \
	{                                                                                          \
		.process = (role) + 1, .serial = (role) + 1                                        \
	}
#define SEAT                                                                                       \
	{                                                                                          \
		.end = {FIRST_POSITION}, .confirmed = { FIRST_POSITION }                           \
	}
#define PLACE                                                                                      \
	{                                                                                          \
		{KEPT_NOTHING, 0}, 0                                                               \
	}
#define OF_ALL(what)                                                                               \
	{                                                                                          \
		what(PRODUCER), what(VICTIM), what(OTHER), what(THIRD)                             \
	}

/* As if all had been admitted and had found their seats. A constant, as a model checker counts each
 * write. Word head says that the producer's process took what came before. */
#define FIRST_WORLD                                                                                \
	{                                                                                          \
		.one = {.part = {.tail = FIRST_POSITION,                                           \
		                 .kept_up_to = FIRST_POSITION,                                     \
		                 .peers = ROLES},                                                  \
		        .records = OF_ALL(RECORD),                                                 \
		        .kept = {PLACE, PLACE, PLACE, PLACE},                                      \
		        .slots = {[ITEMS - 1] = 0, [0] = 1, [1] = 2, [2] = 3}},                    \
		.two = {.part = {.head = (uint64_t)PRODUCER << POSITION_BITS | FIRST_POSITION},    \
		        .lines = {{.seats = 1}, {.seats = 1}, {.seats = 1}, {.seats = 1}},         \
		        .seats = {SEAT, SEAT, SEAT, SEAT}},                                        \
		.process = OF_ALL(PROCESS), .seats = OF_ALL(MY_SEAT), .free_places = {3, 2, 1, 0}, \
		.peers = {{.process = -1}, MY_PEER(VICTIM), MY_PEER(OTHER), MY_PEER(THIRD)},       \
	}

static struct world world = FIRST_WORLD;

/* A model checker begins each execution anew. */
static inline void begin_shared(void)
{
#ifndef MODEL_CHECKED
	static const struct world first = FIRST_WORLD;

	memcpy((void *)&world, &first, sizeof world);
	memset(model_list, 0, sizeof model_list);
#endif
	model_victim = 0;
}

static inline unsigned item_at(uint64_t position)
{
	return (unsigned)position_distance(FIRST_POSITION, position);
}

/* Item i has the number i, as its slot has from the beginning. All know of them. */
static inline void put_items(unsigned n)
{
	uint64_t tail = position_after(FIRST_POSITION, n);

	atomic_init(&world.one.part.tail, tail);
	world.process[PRODUCER].tail = tail;
	for (unsigned i = 0; i < ROLES; i++)
		atomic_init(&world.process[i].tail_seen, tail);
}

/* Note what a process's thread got. */
static inline void note_items(unsigned number, const uint64_t *items, ssize_t n)
{
	struct taken *mine = &world.taken[number];

	MODEL_CHECK(n >= 0 && mine->n + (unsigned)n <= ITEMS, "got %zd", n);
	for (ssize_t i = 0; i < n; i++) {
		MODEL_CHECK(items[i] < ITEMS, "got garbage");
		mine->item[mine->n++] = (unsigned)items[i];
	}
}

/* If nobody else does meanwhile. */
static inline void take_one_at_once(unsigned number)
{
	struct handle *h = &world.process[number];
	uint64_t item;

	if (take_word(h, &h->seats[0], &item))
		note_items(number, &item, 1);
}

/* As shared_get_item() does when items are known. */
static inline void take_one_known(unsigned number)
{
	struct handle *h = &world.process[number];
	uint64_t item;

	if (take_word_alone(h, &h->seats[0], &item) || take_word(h, &h->seats[0], &item))
		note_items(number, &item, 1);
	else
		note_items(number, &item, take_known(h, &h->seats[0], &item, 1));
}

static inline void take_up_to(unsigned number, size_t max)
{
	struct handle *h = &world.process[number];
	uint64_t items[ITEMS];

	note_items(number, items, take(h, &h->seats[0], items, max));
}

static inline void report_items(unsigned number, uint64_t n)
{
	struct handle *h = &world.process[number];

	report_own(h, &h->seats[0], n);
}

/* arg of a thread. */
static inline unsigned number_of(void *arg)
{
	return (unsigned)((struct taken *)arg - world.taken);
}

/* The first half of shutting down is what others may have to end. */
static inline void shut_down(void *arg)
{
	struct handle *h = &world.process[number_of(arg)];

	begin_to_close(h);
	queue_end(h);
	gate_wake(h, &h->two->items, UINT64_MAX);
}

/* The victim first: its thread has its number. */
static inline void start_role(unsigned number, void (*run)(void *arg))
{
	if (number == VICTIM)
		model_expose(model_started + 1);
	model_start(run, &world.taken[number]);
}

/* The victim is killed, if it has not ended before, and its end is known; others go on. */
static inline void kill_victim(void)
{
	model_go();
	model_kill();
	model_await_end(VICTIM);
}

/* --- where the items are --- */

static inline unsigned mask_of(unsigned from, unsigned to)
{
	return (1U << to) - (1U << from);
}

/* The items that a process's thread got, of number from on. */
static inline unsigned items_of(unsigned number, uint64_t from)
{
	unsigned mask = 0;

	for (uint64_t i = from; i < world.taken[number].n; i++)
		mask |= 1U << world.taken[number].item[i];
	return mask;
}

/* What a seat holds as others see it. arg: a mask. */
static inline void see_items(void *arg, const struct held *held)
{
	unsigned *mask = arg, first = item_at(held->start);

	MODEL_CHECK(held->lane == QUEUE && first + held->items <= ITEMS, "holds garbage");
	MODEL_CHECK((*mask & mask_of(first, first + (unsigned)held->items)) == 0, "held twice");
	*mask |= mask_of(first, first + (unsigned)held->items);
}

static inline unsigned held_by_seat(unsigned number)
{
	unsigned mask = 0;

	MODEL_CHECK(seat_held(&world.process[PRODUCER], number, see_items, &mask).unknown == 0,
	            "not all is known");
	return mask;
}

/* The items in the queue. */
static inline unsigned items_left(void)
{
	uint64_t head = word_position(atomic_load(&world.two.part.head));

	return mask_of(item_at(head), item_at(world.process[PRODUCER].tail));
}

static inline uint64_t reported_by(unsigned number)
{
	return atomic_load(&seat_at(&world.process[PRODUCER], number)->done);
}

/* One more place where items are: none of them is elsewhere. */
static inline void account(unsigned *all, unsigned items)
{
	MODEL_CHECK((*all & items) == 0, "an item is in two places");
	*all |= items;
}

#endif
