/*
 * The frame of the tests. A program is a list of RUN(property) lines. Each property runs in a
 * process of its own, so the others go on if one fails, crashes or hangs. Output is TAP.
 *
 * SPMCQ_ONLY=part runs only the properties whose name contains the part.
 * SPMCQ_BOUND=seconds is how long a property may take before it counts as hung (60).
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif
#ifndef CHECK_SANITIZED
#define CHECK_SANITIZED 0
#endif

#define CHECK_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Fails the property unless cond holds; the message says what was seen. */
#define CHECK(cond, ...)                                                                           \
	((cond) ? (void)0 : check_failed(__FILE__, __LINE__, "CHECK(" #cond ")", __VA_ARGS__))

/* Fails the property unless call returns want: a count, or a negative errno value. */
#define RETURNS(want, call) check_returns(__FILE__, __LINE__, #call, (long long)(call), want)

/* The same for counts without a sign. */
#define COUNTS(want, call) check_counts(__FILE__, __LINE__, #call, (uint64_t)(call), want)

/* Runs one property. */
#define RUN(property) check_run(#property, property)

_Noreturn void check_failed(const char *file, int line, const char *what, const char *format, ...)
        CHECK_PRINTF(4, 5);
void check_returns(const char *file, int line, const char *call, long long got, long long want);
void check_counts(const char *file, int line, const char *call, uint64_t got, uint64_t want);

/* Notes what is being tried; a failure, a crash and a hang print the latest note. */
void check_doing(const char *format, ...) CHECK_PRINTF(1, 2);

/* Ends the property as skipped, for the reason given. */
_Noreturn void check_skip(const char *reason);

void check_run(const char *name, void (*property)(void));

/* Prints the plan. Returns the exit status of the program. */
int check_finish(void);

#endif
