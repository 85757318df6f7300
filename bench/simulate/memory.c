/*
 * A core's buffers: of stores, of loads under way, and of what its instructions did last.
 */
#include "simulate/memory.h"
#include <string.h>

#include "simulate/lines.h"

enum {
	STORES = 56, /* of a store buffer: Intel Skylake's; Zen 4 has 64 */
	LOADS = 12,  /* that may be under way: line fill buffers of Skylake (Zen: 22) */
	WINDOW = 64, /* accesses that a core issues after a load that misses: a fourth of the 224 to
	                320 instructions of a reorder buffer */
	PATTERNS = 512 /* instructions a core remembers */
};

struct store {
	struct line *line; /* NULL: this slot is free */
	uintptr_t address;
	uint64_t value;
	size_t size;
	sim_time seen_at;
	unsigned core;
	struct store *next; /* to the same line */
};

struct load {
	sim_time done;
	uint64_t issued; /* number of the access */
};

struct pattern {
	const void *caller;
	uintptr_t address;
	intptr_t stride;
	uint64_t value;
	bool changes;
};

static struct buffers {
	struct store stores[STORES];
	unsigned next_store;
	sim_time stores_done; /* when other cores see the last store */

	struct load loads[LOADS];
	unsigned first_load, load_count;
	sim_time read_at; /* the latest of the times at which a load got its value: none before */
	uint64_t issued;

	struct pattern patterns[PATTERNS];
} buffers[SIM_CORES];

void memory_begin(void)
{
	memset(buffers, 0, sizeof(buffers));
}

static struct buffers *mine(void)
{
	return &buffers[here - cores.core];
}

/* --- stores --- */

static void apply_first(struct line *line)
{
	struct store *store = line->first;

	__real_memcpy((void *)store->address, &store->value, store->size);
	line->first = store->next;
	line->stale_until = 0; /* from now on nobody reads an old copy */
	store->line = NULL;
}

/* Before a core gets the line, the stores that were to be seen by then are carried out. */
static void apply_until(struct line *line, sim_time until)
{
	while (line->first && line->first->seen_at <= until)
		apply_first(line);
}

static void drain(struct buffers *of)
{
	for (unsigned i = 0; i < STORES; i++)
		if (of->stores[i].line)
			apply_until(of->stores[i].line, of->stores[i].seen_at);
}

void memory_drain(void)
{
	if (mine()->stores_done > here->now)
		here->now = mine()->stores_done;
	drain(mine());
}

void memory_drain_all(void)
{
	for (unsigned i = 0; i < cores.count; i++)
		drain(&buffers[i]);
}

/* The newest store of this core to this place that waits. */
static const struct store *waiting_store(const struct line *line, uintptr_t address, size_t size)
{
	const struct store *newest = NULL;

	for (const struct store *s = line->first; s; s = s->next)
		if (s->core == (unsigned)(here - cores.core) && s->address < address + size &&
		    address < s->address + s->size)
			newest = s;
	return newest;
}

/* --- loads --- */

static void wait_for_first_load(struct buffers *my)
{
	sim_time done = my->loads[my->first_load].done;

	if (done > here->now)
		here->now = done;
	my->first_load = (my->first_load + 1) % LOADS;
	my->load_count--;
}

static void wait_for_loads(void)
{
	struct buffers *my = mine();

	while (my->load_count > 0)
		wait_for_first_load(my);
}

static sim_time loads_done(const struct buffers *my)
{
	sim_time done = here->now;

	for (unsigned i = 0; i < my->load_count; i++)
		if (my->loads[(my->first_load + i) % LOADS].done > done)
			done = my->loads[(my->first_load + i) % LOADS].done;
	return done;
}

static void add_load(sim_time done)
{
	struct buffers *my = mine();

	if (my->load_count == LOADS)
		wait_for_first_load(my);
	my->loads[(my->first_load + my->load_count++) % LOADS] =
	        (struct load){.done = done, .issued = my->issued};
}

/* Each access takes a moment. Then loads that are too old for the window are waited for. */
static void issue(void)
{
	struct buffers *my = mine();

	here->now += sim_ns(cores.costs.access);
	my->issued++;
	while (my->load_count > 0 && (my->loads[my->first_load].done <= here->now ||
	                              my->issued - my->loads[my->first_load].issued > WINDOW))
		wait_for_first_load(my);
}

/* --- what an instruction did last --- */

static struct pattern *pattern_of(const void *caller)
{
	struct pattern *p = &mine()->patterns[((uintptr_t)caller >> 1) % PATTERNS];

	if (p->caller != caller)
		*p = (struct pattern){.caller = caller};
	return p;
}

/* Waits for loads if the address looks as if it came from one. */
static struct pattern *follow(uintptr_t address, const void *caller)
{
	struct pattern *p = pattern_of(caller);
	intptr_t stride = (intptr_t)(address - p->address);

	if (stride != 0 && stride != p->stride)
		wait_for_loads();
	if (stride != 0)
		p->stride = stride;
	p->address = address;
	return p;
}

static void learn(const void *caller, uint64_t value, bool was_miss)
{
	struct pattern *p = pattern_of(caller);
	bool changes = value != p->value;

	if (was_miss && changes != p->changes) {
		wait_for_loads();
		here->now += sim_ns(cores.costs.mispredict);
	}
	p->changes = changes;
	p->value = value;
}

/* --- accesses --- */

/* Gets the line for reading. Returns true if the core did not have it. */
static bool fetch(struct line *line, uintptr_t address)
{
	sim_time at = mine()->read_at > here->now ? mine()->read_at : here->now, from;
	bool is_miss = !line_is_readable(line, at, &from);

	if (is_miss)
		from = line_acquire(line, address, false, true);
	/* Loads are in order: a load must not read memory as of a time before that of an earlier
	 * load. */
	if (mine()->read_at < from)
		mine()->read_at = from;
	apply_until(line, mine()->read_at);
	if (from > here->now)
		add_load(from);
	return is_miss;
}

uint64_t memory_load_value(const volatile void *at, size_t size, const void *caller)
{
	uintptr_t address = (uintptr_t)at;
	uint64_t value = 0;

	cores_turn();
	issue();
	follow(address, caller);
	struct line *line = line_of(address);
	const struct store *own = waiting_store(line, address, size);
	if (own && own->address == address && own->size == size)
		return own->value;
	if (own)
		apply_until(line, own->seen_at);
	bool was_miss = fetch(line, address);
	__real_memcpy(&value, (const void *)address, size);
	learn(caller, value, was_miss);
	return value;
}

uint64_t memory_load_now(const volatile void *at, size_t size, const void *caller)
{
	struct line *line = line_of((uintptr_t)at);
	uint64_t value = 0;

	(void)memory_load_value(at, size, caller);
	wait_for_loads();
	cores_turn();
	apply_until(line, here->now);
	__real_memcpy(&value, (const void *)(uintptr_t)at, size);
	return value;
}

void memory_load(const volatile void *at, size_t size, const void *caller)
{
	uintptr_t address = (uintptr_t)at;
	uint64_t value = 0;

	cores_turn();
	issue();
	follow(address, caller);
	struct line *line = line_of(address);
	const struct store *own = waiting_store(line, address, size);
	if (own) /* the program reads memory itself */
		apply_until(line, own->seen_at);
	bool was_miss = fetch(line, address);
	__real_memcpy(&value, (const void *)address, size < sizeof(value) ? size : sizeof(value));
	learn(caller, value, was_miss);
}

/* When a store that is issued now will be seen: it retires after the loads before it, and after the
 * stores before it. */
static sim_time store_time(struct line *line, uintptr_t address)
{
	struct buffers *my = mine();
	sim_time seen = line_acquire(line, address, true, false), loads = loads_done(my);

	if (seen < loads)
		seen = loads;
	if (seen < my->stores_done)
		seen = my->stores_done;
	seen += sim_ns(cores.costs.access);
	my->stores_done = seen;
	if (line->busy < seen)
		line->busy = seen;
	return seen;
}

/* Returns a free slot of the buffer: that of the oldest store, after waiting for that store. */
static struct store *next_slot(void)
{
	struct buffers *my = mine();
	struct store *slot = &my->stores[my->next_store++ % STORES];

	if (slot->seen_at > here->now)
		here->now = slot->seen_at;
	if (slot->line)
		apply_until(slot->line, slot->seen_at);
	return slot;
}

void memory_store(volatile void *at, const void *caller)
{
	uintptr_t address = (uintptr_t)at;

	cores_turn();
	issue();
	follow(address, caller);
	struct line *line = line_of(address);
	struct store *slot = next_slot();
	sim_time seen = store_time(line, address);
	apply_until(line, seen);
	*slot = (struct store){.seen_at = seen};
}

void memory_store_value(volatile void *at, size_t size, uint64_t value, const void *caller)
{
	uintptr_t address = (uintptr_t)at;

	cores_turn();
	issue();
	follow(address, caller);
	struct line *line = line_of(address);
	struct store *slot = next_slot();
	sim_time seen = store_time(line, address);
	*slot = (struct store){.line = line,
	                       .address = address,
	                       .value = value,
	                       .size = size,
	                       .seen_at = seen,
	                       .core = (unsigned)(here - cores.core)};
	if (line->first)
		line->last->next = slot;
	else
		line->first = slot;
	line->last = slot;
}

void memory_locked(volatile void *at, const void *caller)
{
	uintptr_t address = (uintptr_t)at;

	cores_turn();
	issue();
	follow(address, caller);
	wait_for_loads();
	memory_drain();
	cores_turn();
	struct line *line = line_of(address);
	here->now = line_acquire(line, address, true, true) + sim_ns(cores.costs.locked);
	if (line->busy < here->now)
		line->busy = here->now;
	line_hold(line);
	/* It happens then, not now: others may read their old copies until it does. */
	cores_turn();
	apply_until(line, here->now);
	line->stale_until = 0;
}

void memory_fence(void)
{
	cores_turn();
	wait_for_loads();
	memory_drain();
	here->now += sim_ns(cores.costs.locked);
}

void memory_prefetch(const volatile void *at, int for_writing)
{
	uintptr_t address = (uintptr_t)at;
	sim_time from;

	cores_turn();
	issue();
	struct line *line = line_of(address);
	if (for_writing || !line_is_readable(line, here->now, &from))
		(void)line_acquire(line, address, for_writing, false);
}
