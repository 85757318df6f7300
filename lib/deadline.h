/*
 * Deadlines: absolute times of CLOCK_MONOTONIC. A NULL deadline never passes.
 */
#ifndef SPMCQ_DEADLINE_H
#define SPMCQ_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Returns the time of CLOCK_MONOTONIC, in ns. */
static inline int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline bool deadline_is_valid(const struct timespec *deadline)
{
	return deadline == NULL || (deadline->tv_nsec >= 0 && deadline->tv_nsec <= 999999999);
}

static inline bool deadline_is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static inline bool deadline_has_passed(const struct timespec *deadline)
{
	struct timespec now;

	if (deadline == NULL)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return !deadline_is_before(&now, deadline);
}

/* The system restarts a sleep without a deadline after a handler that was installed with
 * SA_RESTART. So a sleep that a handler shall end gets a deadline, far away if it has none. */
static inline const struct timespec *deadline_for_sleep(const struct timespec *deadline,
                                                        bool interruptible)
{
	static const struct timespec never = {.tv_sec = INT32_MAX};

	return deadline == NULL && interruptible ? &never : deadline;
}

/* Returns the sooner of two deadlines; the second may be NULL. */
static inline const struct timespec *deadline_sooner(const struct timespec *a,
                                                     const struct timespec *b)
{
	return b == NULL || deadline_is_before(a, b) ? a : b;
}

#endif
