/*
 * The memory that is made here is one mapping, whose lines are in one array. The lines of other
 * variables, thread-local ones among them, are in a hash table.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "simulate/lines.h"

/* With a page beside each, which keeps threads as far apart as the C library does. */
enum { STACK_BYTES = 256 * 1024 + 4096, OTHER_LINES = 1 << 16 };
#define STACKS ((size_t)SIM_THREADS * STACK_BYTES)
#define MEMORY (STACKS + SIM_MEMORY)
/* The same in each run, as some code makes choices by addresses: far from where Linux puts things
 * by itself, with 47 bits of address. */
#define USUAL_PLACE ((uintptr_t)0x3A0000000000)

static char *memory;
static size_t used; /* bytes of it */
static struct line *lines;
static bool is_held;
static struct {
	uintptr_t number; /* address / LINE_BYTES; 0: free */
	struct line line;
} * others;
static bool is_counted;
uint64_t lines_moves;

/* at: where, if that is free. */
static void *map(size_t bytes, void *at)
{
	void *m = mmap(at, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return m == MAP_FAILED ? NULL : m;
}

int lines_begin(bool held)
{
	is_held = held;
	memory = map(MEMORY, (void *)USUAL_PLACE);
	lines = map(MEMORY / LINE_BYTES * sizeof(*lines), NULL);
	others = map(OTHER_LINES * sizeof(*others), NULL);
	used = STACKS;
	lines_moves = 0;
	is_counted = true;
	return memory && lines && others ? 0 : -ENOMEM;
}

void lines_count(bool counted)
{
	is_counted = counted;
}

char *lines_stack(unsigned thread, size_t *bytes)
{
	*bytes = STACK_BYTES;
	return memory + (size_t)thread * STACK_BYTES;
}

void *lines_allocate(size_t bytes, size_t alignment)
{
	size_t at = (used + alignment - 1) / alignment * alignment;

	if (at > MEMORY || bytes > MEMORY - at)
		return NULL;
	used = at + bytes;
	return memory + at;
}

bool lines_ready(void)
{
	return memory != NULL;
}

bool lines_contain(const void *address)
{
	return memory && (uintptr_t)address - (uintptr_t)memory < MEMORY;
}

static bool has(const struct core_set *set, int core)
{
	return set->words[core / 64] >> (core % 64) & 1;
}

static void add(struct core_set *set, int core)
{
	set->words[core / 64] |= UINT64_C(1) << (core % 64);
}

static int me(void)
{
	return (int)(here - cores.core);
}

/* A line of zeros, as it was mapped, would belong to core 0. No memset() here: the linker sends it
 * to hooks.c, which would call this function again. */
static struct line *begun(struct line *line)
{
	if (line->busy == 0) {
		line->busy = 1;
		line->owner = LINE_NOWHERE;
		line->coming_to = LINE_NOWHERE;
	}
	return line;
}

struct line *line_of(uintptr_t address)
{
	uintptr_t offset = address - (uintptr_t)memory, number = address / LINE_BYTES;

	if (offset < MEMORY)
		return begun(&lines[offset / LINE_BYTES]);
	for (size_t i = number * 0x9E3779B97F4A7C15 >> 48;; i = (i + 1) % OTHER_LINES) {
		if (others[i].number == 0)
			others[i].number = number;
		if (others[i].number == number)
			return begun(&others[i].line);
	}
}

static bool is_stale(const struct line *line, sim_time at)
{
	return at < line->stale_until && has(&line->stale, me()) && line->owner != me() &&
	       !has(&line->sharers, me());
}

bool line_is_readable(const struct line *line, sim_time at, sim_time *from)
{
	*from = at;
	if (is_stale(line, at))
		return true;
	if (line->owner != me() && !(line->owner == LINE_SHARED && has(&line->sharers, me())))
		return false;
	if (line->coming_to == me() && line->comes_at > *from)
		*from = line->comes_at;
	return true;
}

static bool is_far(unsigned a, unsigned b)
{
	return a / cores.per_socket != b / cores.per_socket;
}

static double way(int from)
{
	return is_far((unsigned)from, (unsigned)me()) ? cores.costs.far_line
	                                              : cores.costs.near_line;
}

/* How long the slowest of the other sharers takes to give its copy up; 0: there is none. */
static double way_to_sharers(const struct line *line)
{
	double longest = 0;

	for (int word = 0; word < SIM_CORES / 64; word++)
		for (uint64_t left = line->sharers.words[word]; left; left &= left - 1) {
			int core = 64 * word + __builtin_ctzll(left);

			if (core != me() && way(core) > longest)
				longest = way(core);
		}
	return longest;
}

/* A copy comes from another socket if no core of this one has it. */
static double way_to_copy(const struct line *line)
{
	unsigned first = (unsigned)me() / cores.per_socket * cores.per_socket;

	for (unsigned i = first; i < first + cores.per_socket && i < cores.count; i++)
		if (has(&line->sharers, (int)i))
			return cores.costs.shared_line;
	return cores.costs.far_line;
}

static void count_move(struct line *line, uintptr_t address)
{
	if (!is_counted)
		return;
	line->moves[address % LINE_BYTES / SIM_PLACE][self->call]++;
	lines_moves++;
}

/* How long it takes from when the line is free, and how long it is then busy. */
static double transfer(struct line *line, uintptr_t address, bool write, double *busy)
{
	double takes;

	if (line->owner == LINE_NOWHERE) {
		*busy = 5; /* memory serves several at once */
		return cores.costs.memory;
	}
	if (line->owner >= 0) {
		count_move(line, address);
		return *busy = way(line->owner);
	}
	if (!has(&line->sharers, me()))
		count_move(line, address);
	if (!write) {
		*busy = 4; /* the line is busy for a moment only: a cache serves many readers */
		return way_to_copy(line);
	}
	takes = way_to_sharers(line);
	if (!has(&line->sharers, me()) && way_to_copy(line) > takes)
		takes = way_to_copy(line);
	*busy = takes;
	return takes > 0 ? takes : cores.costs.access;
}

static void take(struct line *line, bool write, sim_time from)
{
	if (write) {
		line->stale = line->sharers;
		line->stale_until = from;
		line->sharers = (struct core_set){{0}};
		line->owner = me();
	} else {
		line->owner = line->owner == LINE_NOWHERE ? me() : LINE_SHARED;
	}
	add(&line->sharers, me());
	line->coming_to = me();
	line->comes_at = from;
}

sim_time line_acquire(struct line *line, uintptr_t address, bool write, bool can_wait)
{
	double takes, busy;

	/* Cores that try again do so a moment later, not all in the same picosecond. */
	while (can_wait && is_held && line->busy > here->now && line->owner != me()) {
		here->now = line->busy + cores_random(2000);
		cores_turn();
	}
	if (line->owner == me())
		return line->coming_to == me() && line->comes_at > here->now ? line->comes_at
		                                                             : here->now;
	sim_time start = line->busy > here->now ? line->busy : here->now;
	takes = transfer(line, address, write, &busy);
	line->busy = start + sim_ns(busy);
	take(line, write, start + sim_ns(takes));
	return line->comes_at;
}

void line_hold(struct line *line)
{
	/* From the arrival of the line: else a core that makes one locked instruction after another
	 * would keep the line for ever. */
	sim_time until = line->comes_at + sim_ns(cores.costs.hold);

	if (is_held && line->busy < until)
		line->busy = until;
}

static void add_places(struct sim_place *places, size_t *n, uintptr_t number,
                       const struct line *line)
{
	static const uint32_t none[SIM_CALLS];

	for (size_t i = 0; i < LINE_PLACES; i++) {
		if (memcmp(line->moves[i], none, sizeof(none)) == 0)
			continue;
		if (places) {
			places[*n].address = number * LINE_BYTES + i * SIM_PLACE;
			memcpy(places[*n].moves, line->moves[i], sizeof(none));
		}
		++*n;
	}
}

static size_t all_places(struct sim_place *places)
{
	size_t n = 0;

	for (size_t i = 0; i < SIM_THREADS; i++)
		for (size_t j = 0; i < cores.threads && j < STACK_BYTES / LINE_BYTES; j++)
			add_places(places, &n,
			           ((uintptr_t)memory + i * STACK_BYTES) / LINE_BYTES + j,
			           &lines[i * (STACK_BYTES / LINE_BYTES) + j]);
	for (size_t i = STACKS / LINE_BYTES; i <= used / LINE_BYTES; i++)
		add_places(places, &n, (uintptr_t)memory / LINE_BYTES + i, &lines[i]);
	for (size_t i = 0; i < OTHER_LINES; i++)
		if (others[i].number)
			add_places(places, &n, others[i].number, &others[i].line);
	return n;
}

size_t lines_places(const struct sim_place **places)
{
	size_t n = all_places(NULL);
	struct sim_place *all = map(n * sizeof(*all) + 1, NULL);

	if (!all)
		return 0;
	*places = all;
	return all_places(all);
}
