/*
 * The numbers that make up one measured situation, and the table that names them. A sweep is every
 * combination of the values given for each.
 */
#ifndef BENCH_POINT_H
#define BENCH_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_point {
	uint64_t items; /* 0: as many as take about a second */
	uint64_t consumers;
	uint64_t capacity;
	uint64_t bulk;
	uint64_t item_size;   /* bytes */
	uint64_t interval_ns; /* between two items, or what the workload says */
	uint64_t burst;       /* items that come at once */
	uint64_t work_ns;     /* CPU that a consumer spends on an item */
	uint64_t slow_every;  /* one item of so many is slow; 0: none */
	uint64_t slow_ns;     /* how long a slow item keeps its consumer, asleep */

	/* Of a simulated machine. */
	uint64_t cores;       /* 0: one a thread */
	uint64_t sockets;     /* 0: as many as the machine's need */
	uint64_t machine;     /* a word: a preset or a file */
	uint64_t arbitration; /* a word */
};

/* Index into bench_parameters[], and bit 1 << it in bench_workload.uses. */
enum bench_parameter {
	BENCH_ITEMS,
	BENCH_CONSUMERS,
	BENCH_CAPACITY,
	BENCH_BULK_SIZE,
	BENCH_ITEM_SIZE,
	BENCH_INTERVAL,
	BENCH_BURST,
	BENCH_WORK,
	BENCH_SLOW_EVERY,
	BENCH_SLOW,
	BENCH_CORES,
	BENCH_SOCKETS,
	BENCH_MACHINE,
	BENCH_ARBITRATION,
	BENCH_PARAMETERS
};

enum bench_kind {
	BENCH_COUNT,
	BENCH_DURATION, /* written 2, 0.5, 1ms, 20us; kept in nanoseconds */
	BENCH_WORD,     /* kept as its number in a list of all words that were given */
};

struct bench_parameter_info {
	const char *name; /* of the option, without "--" */
	const char *key;  /* in JSON and CSV; those with a unit carry it */
	size_t offset;    /* in struct bench_point */
	uint64_t low, high;
	enum bench_kind kind;
	bool is_shown; /* in every table; the others only where they vary */
	const char *help;
};

/* The words that are known from the start, by their numbers. */
enum { BENCH_HELD, BENCH_QUEUED, BENCH_THIS, BENCH_DESKTOP, BENCH_SERVER };

extern const struct bench_parameter_info bench_parameters[BENCH_PARAMETERS];

uint64_t point_get(const struct bench_point *point, enum bench_parameter parameter);
void point_set(struct bench_point *point, enum bench_parameter parameter, uint64_t value);

/* The word with that number. */
const char *point_word(uint64_t number);

/* Reads one value of a parameter: 0, -EINVAL (not a number), -ERANGE (outside low..high) or
 * -ENOSPC (more words than are kept). */
int point_parse(const char *text, enum bench_parameter parameter, uint64_t *value);

/* Writes it for people: "32", "1 ms". */
void point_print(char *text, size_t size, enum bench_parameter parameter, uint64_t value);

/* "20 µs", "1.5 s"; 0 is "0". */
void point_print_duration(char *text, size_t size, double ns);

#endif
