/*
 * The table of parameters, and reading and writing one by its number.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "point.h"

#define HOUR_NS (3600ull * 1000 * 1000 * 1000)

#define AT(field) offsetof(struct bench_point, field)

/* high bounds keep capacity x item size and items x 16 bytes of results within 64 bits. */
const struct bench_parameter_info bench_parameters[BENCH_PARAMETERS] = {
        [BENCH_ITEMS] = {"items", "items", AT(items), 1, 1ull << 40, BENCH_COUNT, false,
                         "items per run"},
        [BENCH_CONSUMERS] = {"consumers", "consumers", AT(consumers), 1, 1024, BENCH_COUNT, true,
                             "threads that get"},
        [BENCH_CAPACITY] = {"capacity", "capacity", AT(capacity), 1, 1ull << 30, BENCH_COUNT, true,
                            "items the queue holds"},
        [BENCH_BULK_SIZE] = {"bulk", "bulk", AT(bulk), 1, 1ull << 20, BENCH_COUNT, true,
                             "items per call; 1: one at a time"},
        [BENCH_ITEM_SIZE] = {"item-size", "item_size", AT(item_size), 8, 1ull << 20, BENCH_COUNT,
                             false, "bytes, the first 8 hold the number"},
        [BENCH_INTERVAL] = {"interval", "interval_ns", AT(interval_ns), 0, HOUR_NS, BENCH_DURATION,
                            false, "between two items: 2, 0.5, 1ms, 20us"},
        [BENCH_BURST] = {"burst", "burst", AT(burst), 1, 1ull << 30, BENCH_COUNT, true,
                         "items that come at once"},
        [BENCH_WORK] = {"work", "work_ns", AT(work_ns), 0, HOUR_NS, BENCH_DURATION, true,
                        "CPU time per item: 0, 10us, 1ms"},
        [BENCH_SLOW_EVERY] = {"slow-every", "slow_every", AT(slow_every), 0, 1ull << 40,
                              BENCH_COUNT, false, "one item of so many is slow; 0: none"},
        [BENCH_SLOW] = {"slow", "slow_ns", AT(slow_ns), 0, HOUR_NS, BENCH_DURATION, false,
                        "how long a slow item keeps its consumer, asleep"},
        [BENCH_CORES] = {"cores", "cores", AT(cores), 0, 256, BENCH_COUNT, false,
                         "of the simulated machine; 0: one a thread"},
        [BENCH_SOCKETS] = {"sockets", "sockets", AT(sockets), 0, 64, BENCH_COUNT, false,
                           "on which the cores are; 0: as many as it takes to hold them"},
        [BENCH_MACHINE] = {"machine", "machine", AT(machine), 0, UINT64_MAX, BENCH_WORD, true,
                           "this, desktop, server, or a FILE of costs in JSON"},
        [BENCH_ARBITRATION] = {"arbitration", "arbitration", AT(arbitration), 0, UINT64_MAX,
                               BENCH_WORD, true,
                               "who gets a cache line that several want: held, queued"},
};

uint64_t point_get(const struct bench_point *point, enum bench_parameter parameter)
{
	uint64_t value;

	memcpy(&value, (const char *)point + bench_parameters[parameter].offset, sizeof(value));
	return value;
}

void point_set(struct bench_point *point, enum bench_parameter parameter, uint64_t value)
{
	memcpy((char *)point + bench_parameters[parameter].offset, &value, sizeof(value));
}

enum { WORDS = 64 };
static const char *words[WORDS] = {[BENCH_HELD] = "held",
                                   [BENCH_QUEUED] = "queued",
                                   [BENCH_THIS] = "this",
                                   [BENCH_DESKTOP] = "desktop",
                                   [BENCH_SERVER] = "server"};

const char *point_word(uint64_t number)
{
	return number < WORDS && words[number] ? words[number] : "unknown";
}

static int parse_word(const char *text, uint64_t *number)
{
	for (*number = 0; *number < WORDS; ++*number) {
		if (!words[*number])
			words[*number] = strdup(text);
		if (words[*number] && strcmp(words[*number], text) == 0)
			return 0;
	}
	return -ENOSPC;
}

static int parse_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char *suffix;
		double ns;
	} units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
	char *end;
	double value = strtod(text, &end);

	if (end == text || isspace((unsigned char)*text) || !isfinite(value) || value < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (value * units[i].ns > (double)HOUR_NS)
			return -ERANGE;
		*ns = (uint64_t)(value * units[i].ns + 0.5);
		return 0;
	}
	return -EINVAL;
}

/* Reads a whole number that is written with an exponent or a suffix, such as 1e6 or 1.5M. */
static int parse_large_count(const char *text, uint64_t *count)
{
	static const struct {
		const char *suffix;
		double times;
	} units[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}};
	const double exact = 1ull << 53; /* beyond, a double leaves numbers out */
	char *end;
	double value = strtod(text, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		value *= units[i].times;
		if (value > exact)
			return -ERANGE;
		*count = (uint64_t)value;
		return (double)*count < value ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int parse_count(const char *text, uint64_t *count)
{
	char *end;

	if (!isdigit((unsigned char)*text) || strpbrk(text, "xX")) /* hexadecimal, to strtod() */
		return -EINVAL;
	errno = 0;
	*count = strtoull(text, &end, 10);
	if (*end)
		return parse_large_count(text, count);
	return errno ? -ERANGE : 0;
}

int point_parse(const char *text, enum bench_parameter parameter, uint64_t *value)
{
	const struct bench_parameter_info *info = &bench_parameters[parameter];
	int error;

	if (info->kind == BENCH_WORD)
		error = *text ? parse_word(text, value) : -EINVAL;
	else if (info->kind == BENCH_DURATION)
		error = parse_duration(text, value);
	else
		error = parse_count(text, value);
	if (error)
		return error;
	return *value < info->low || *value > info->high ? -ERANGE : 0;
}

void point_print_duration(char *text, size_t size, double ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (ns >= units[i].ns) {
			snprintf(text, size, "%.4g %s", ns / units[i].ns, units[i].name);
			return;
		}
	snprintf(text, size, ns > 0 ? "%.4g ns" : "0", ns);
}

void point_print(char *text, size_t size, enum bench_parameter parameter, uint64_t value)
{
	if (bench_parameters[parameter].kind == BENCH_WORD)
		snprintf(text, size, "%s", point_word(value));
	else if (bench_parameters[parameter].kind == BENCH_DURATION)
		point_print_duration(text, size, (double)value);
	else
		snprintf(text, size, "%llu", (unsigned long long)value);
}
