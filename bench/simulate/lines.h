/*
 * Cache lines: which cores have them, and how long another core takes to get them.
 *
 * A line is owned by one core, which may write it, or shared by some, which may read it. It is busy
 * while it moves; requests that come meanwhile are arbitrated in one of two ways, between which
 * real machines lie:
 *
 *   held    a core keeps a line for a while after a locked instruction, so that a quick second one
 *           of the same core succeeds. The others try again and again. When that time is over, the
 *           first core that tries gets the line, however long another has tried
 *   queued  requests are served strictly in the order in which they came
 *
 * While a write's request is on its way, the other cores still read their old copies.
 */
#ifndef BENCH_SIMULATE_LINES_H
#define BENCH_SIMULATE_LINES_H

#include "simulate/cores.h"

enum { LINE_BYTES = 64, LINE_PLACES = LINE_BYTES / SIM_PLACE };

struct core_set {
	uint64_t words[SIM_CORES / 64];
};

struct store; /* memory.c: one that waits in a core's store buffer */

struct line {
	int owner; /* a core; or LINE_SHARED, LINE_NOWHERE */
	struct core_set sharers;
	sim_time busy; /* until then it moves, or is held */

	/* The cores whose copies a write is taking away: they read the old value until that is
	 * done. */
	struct core_set stale;
	sim_time stale_until;

	/* The core that asked last, and when the line arrives there. */
	int coming_to;
	sim_time comes_at;

	struct store *first, *last; /* stores to it that wait, in order */
	uint32_t moves[LINE_PLACES][SIM_CALLS];
};
enum { LINE_SHARED = -1, LINE_NOWHERE = -2 };

/* The memory that simulated threads share: stacks, then what malloc() hands out. */
int lines_begin(bool is_held); /* 0 or -ENOMEM */
char *lines_stack(unsigned thread, size_t *bytes);
void *lines_allocate(size_t bytes, size_t alignment); /* NULL: no more */

bool lines_ready(void); /* after lines_begin() */
bool lines_contain(const void *address);

struct line *line_of(uintptr_t address);

/* Whether this core can read the line at that time without asking for it; *from: when it can. An
 * old copy, which a write is about to take away, will do as long as it is there. */
bool line_is_readable(const struct line *line, sim_time at, sim_time *from);

/* Asks for the line, to read or to write it. Returns when this core has it; the place is the one
 * that asked. can_wait: the core does nothing else meanwhile, so it takes part in arbitration by
 * trying again (held); otherwise the request waits by itself. */
sim_time line_acquire(struct line *line, uintptr_t address, bool write, bool can_wait);

/* After a locked instruction. */
void line_hold(struct line *line);

extern uint64_t lines_moves; /* of data, from core to core, as long as they are counted */
/* From now on; at first they are. */
void lines_count(bool counted);

/* All places that moved something. The array is the module's. */
size_t lines_places(const struct sim_place **places);

#endif
