/*
 * How long a call may wait, and sleeping within that time.
 */
#ifndef SPMCQ_REMOTE_LIMIT_H
#define SPMCQ_REMOTE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define MS ((int64_t)1000000)
#define SECOND (1000 * MS)

struct limit {
	int64_t at; /* nanoseconds of CLOCK_MONOTONIC; INT64_MAX: never */
	bool once;  /* true for a try_ call, which does not wait for room or for items */
};

static const struct limit limit_never = {.at = INT64_MAX};
static const struct limit limit_try = {.at = INT64_MAX, .once = true};

static inline int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

static inline bool limit_is_valid(const struct timespec *deadline)
{
	return !deadline || (deadline->tv_nsec >= 0 && deadline->tv_nsec < SECOND);
}

/* The deadline is valid. */
static inline struct limit limit_of(const struct timespec *deadline)
{
	if (!deadline || deadline->tv_sec >= INT64_MAX / SECOND)
		return limit_never;
	if (deadline->tv_sec < 0)
		return (struct limit){.at = 0};
	return (struct limit){.at = (int64_t)deadline->tv_sec * SECOND + deadline->tv_nsec};
}

static inline struct limit limit_in(int64_t ns)
{
	return (struct limit){.at = now_ns() + ns};
}

static inline int64_t limit_left(struct limit limit)
{
	int64_t now = now_ns();

	if (limit.at == INT64_MAX)
		return INT64_MAX;
	return limit.at > now ? limit.at - now : 0;
}

static inline bool limit_is_over(struct limit limit)
{
	return limit_left(limit) == 0;
}

/* Sleeps for ns nanoseconds, or until the limit if that is sooner. */
static inline void limit_sleep(struct limit limit, int64_t ns)
{
	int64_t left = limit_left(limit);
	struct timespec nap;

	if (ns > left)
		ns = left;
	nap = (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
	/* A signal may end it early; every caller checks again what it waits for. */
	(void)nanosleep(&nap, NULL);
}

#endif
