/*
 * Small programs for the simulated machine. They are compiled with hooks; the test is not.
 */
#ifndef SIMULATE_PROGRAMS_H
#define SIMULATE_PROGRAMS_H

#include <stdint.h>

#include "queue.h"

enum { PROGRAM_LINE = 64, PROGRAM_LINES = 16 };

/* What threads share: each word is the first of its line. */
struct program_word {
	_Alignas(PROGRAM_LINE) uint64_t value;
	uint64_t neighbour; /* on the same line */
};

struct program {
	struct program_word word[PROGRAM_LINES];
	struct program_word all_owned;
	uint64_t rounds;
	uint64_t unordered;    /* how often a later store was seen before an earlier one */
	uint64_t seen[2];      /* by each thread, in the end */
	uint64_t begin, end;   /* of the part that is timed, in picoseconds of the machine's time */
	uint64_t (*now)(void); /* the machine's time */
};

/* Thread bodies: the argument is a struct program. Names end in the number of the thread. */
void pass_0(void *program);          /* waits until word 0 is even, makes it odd */
void pass_1(void *program);          /* the other way round */
void add(void *program);             /* adds 1 to word 0, rounds times */
void add_neighbour(void *program);   /* to what lies beside it */
void add_own(void *program);         /* to word 1 */
void own_all(void *program);         /* writes every line */
void store_to_others(void *program); /* after own_all() of another core: stores, timed */
void store_and_fence(void *program); /* and a fence, timed */
void load_others(void *program);     /* the same with loads, timed */
void chase_others(void *program);    /* each load says where the next one goes, timed */
void say_0(void *program);           /* stores word 0, loads word 1 */
void say_1(void *program);           /* stores word 1, loads word 0 */
void say_fenced_0(void *program);
void say_fenced_1(void *program);
void publish(void *program);            /* stores word 0, then word 1 */
void read_back(void *program);          /* loads word 1, then word 0 */
void publish_and_read(void *program);   /* and reads word 1 by a plain load each time */
void publish_and_write(void *program);  /* and writes beside word 1 by a plain store */
void publish_and_fence(void *program);  /* and fences each time */
void read_back_unevenly(void *program); /* as read_back, with pauses; adds to unordered */
void lock_and_count(void *program);     /* adds 1 to word 2 under a test-and-set lock, word 0 */
void add_late(void *program);           /* adds 1 to word 0; when that is over: end */
void look_for_it(void *program);        /* until word 0 is not 0; the earliest such time: begin */
void copy_24(void *program);            /* from line 1 to line 0, sizes that are constant */
void copy_struct(void *program);        /* the same as a struct of 48 bytes */
void set_64(void *program);             /* a line that is filled */
void copy_across(void *program);        /* 24 bytes, 8 of them on the next line */
void say_mfence_0(void *program);
void say_mfence_1(void *program);
void load_once(void *program);           /* word 0, timed, after a while */
void look_at_0(void *program);           /* word 0, not timed */
void wait_on_other_words(void *program); /* polls word 1, which nobody writes */
void sleep_on_0(void *program);          /* sleeps while word 0 is 0 */
void add_and_wake(void *program);        /* adds to word 0 and wakes its sleepers */
void lock_rwlock(void *program);         /* a call that the machine does not know */
void work_long(void *program);

/* Queues that are wrong. */
extern const struct bench_queue program_right, program_loses_items, program_doubles_items,
        program_forgets_to_wake, program_joins_at_once, program_waits_once, program_tears;

#endif
