/*
 * The system calls and the memory that simulated code asks for. The linker brings its calls here
 * (--wrap, see meson.build); outside the machine they are the real ones.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "simulate/lines.h"
#include "simulate/memory.h"
#include "simulate/system.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* --- time --- */

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __real_sched_yield(void);
int __real_gettid(void);
int __real_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                           struct timespec *left);

sim_time system_time(const struct timespec *time)
{
	return time->tv_sec < 0
	               ? 0
	               : (sim_time)time->tv_sec * 1000000000000 + (sim_time)time->tv_nsec * 1000;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!self)
		return __real_clock_gettime(clock, now);
	cores_spend(sim_ns(cores.costs.clock));
	cores_turn();
	now->tv_sec = (time_t)(here->now / 1000000000000);
	now->tv_nsec = (long)(here->now / 1000 % 1000000000);
	return 0;
}

int __wrap_sched_yield(void)
{
	if (!self)
		return __real_sched_yield();
	cores_yield();
	cores_turn();
	return 0;
}

int __wrap_gettid(void)
{
	return self ? 1000 + (int)self->number : __real_gettid();
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                           struct timespec *left)
{
	if (!self)
		return __real_clock_nanosleep(clock, flags, time, left);
	cores_spend(sim_ns(cores.costs.syscall));
	cores_sleep(NULL, system_time(time) + (flags & TIMER_ABSTIME ? 0 : here->now));
	return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	return __wrap_clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);
}

int __wrap_usleep(useconds_t us)
{
	struct timespec time = {us / 1000000, us % 1000000 * 1000};

	return __wrap_nanosleep(&time, NULL);
}

/* --- futex --- */

int system_futex_wait(uint32_t *word, uint32_t seen, sim_time deadline)
{
	cores_spend(sim_ns(cores.costs.syscall));
	memory_fence();
	/* Reads the word as it is when the function returns. No other core runs before the thread
	 * sleeps, so that no wake-up comes in between. */
	if (memory_load_now(word, sizeof(*word), __builtin_return_address(0)) != seen)
		return -EAGAIN;
	if (deadline <= here->now)
		return -ETIMEDOUT;
	return cores_sleep(word, deadline) ? 0 : -ETIMEDOUT;
}

int system_futex_wake(uint32_t *word, int n)
{
	cores_spend(sim_ns(cores.costs.syscall));
	memory_fence();
	return cores_wake(word, n);
}

static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *time)
{
	/* FUTEX_WAKE has no time: the argument is undefined then. */
	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return system_futex_wait(word, value,
		                         time ? here->now + system_time(time) : SIM_NEVER);
	case FUTEX_WAIT_BITSET:
		return system_futex_wait(word, value, time ? system_time(time) : SIM_NEVER);
	case FUTEX_WAKE:
		return system_futex_wake(word, (int)value);
	default:
		cores_abandon("a futex operation beside waiting and waking");
	}
}

/* Every core that runs one of the threads is interrupted, and its stores are seen. */
static long membarrier(int command)
{
	unsigned running = 0;

	if (command != MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		return 0; /* to ask, to register */
	memory_fence();
	for (unsigned i = 0; i < cores.count; i++) {
		if (&cores.core[i] == here || !cores.core[i].running)
			continue;
		cores_interrupt(i, sim_ns(cores.costs.interrupt));
		running++;
	}
	memory_drain_all();
	cores_spend(sim_ns(cores.costs.membarrier + running * cores.costs.membarrier_core));
	cores_turn();
	return 0;
}

long __real_syscall(long number, ...);

/* As many arguments as a system call can have, whether given or not. */
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long result;

	if (!self)
		return __real_syscall(number, a, b, c, d, e, f);
	if (number == SYS_futex)
		result = futex((uint32_t *)a, (int)b, (uint32_t)c, (const struct timespec *)d);
	else if (number == SYS_membarrier)
		result = membarrier((int)a);
	else if (number == SYS_gettid)
		result = __wrap_gettid();
	else
		return __real_syscall(number, a, b, c, d, e, f);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* --- memory: in order, so that addresses are alike in each run; what is freed is used again --- */

enum { CLASSES = 48, BLOCKS = 4096, HEADER = 64 };

struct header {
	size_t class; /* 1 << class bytes */
	void *next;   /* of those freed */
};

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__real_aligned_alloc(size_t alignment, size_t size);

static void *freed[CLASSES];
static struct sim_block blocks[BLOCKS];
static size_t block_count;

size_t system_blocks(const struct sim_block **all)
{
	*all = blocks;
	return block_count;
}

static struct header *header_of(void *block)
{
	return (struct header *)((char *)block - HEADER);
}

/* An alignment of up to HEADER needs nothing. For more, memory is allocated anew. */
static void *allocate(size_t size, size_t alignment, const void *caller)
{
	size_t class = size <= HEADER ? 6 : 64 - (size_t)__builtin_clzll(size - 1);
	char *block;

	if (class >= CLASSES)
		return NULL;
	if (alignment <= HEADER && freed[class]) {
		block = freed[class];
		freed[class] = header_of(block)->next;
		return block;
	}
	if (alignment < HEADER)
		alignment = HEADER;
	block = lines_allocate(alignment + ((size_t)1 << class), alignment);
	if (!block)
		return NULL;
	block += alignment;
	*header_of(block) = (struct header){.class = class};
	if (block_count < BLOCKS)
		blocks[block_count++] =
		        (struct sim_block){(uintptr_t)block, (uintptr_t)caller, size};
	return block;
}

/* A thread that asks before the machine has memory is not simulated. */
static bool is_real(void)
{
	return !lines_ready();
}

void *__wrap_malloc(size_t size)
{
	if (is_real())
		return __real_malloc(size);
	return allocate(size, 16, __builtin_return_address(0));
}

void *__wrap_calloc(size_t n, size_t size)
{
	size_t bytes;

	if (is_real())
		return __real_calloc(n, size);
	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	void *block = allocate(bytes, 16, __builtin_return_address(0));
	return block ? memset(block, 0, bytes) : NULL;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	if (is_real())
		return __real_aligned_alloc(alignment, size);
	return allocate(size, alignment, __builtin_return_address(0));
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
	*block = is_real() ? __real_aligned_alloc(alignment, size)
	                   : allocate(size, alignment, __builtin_return_address(0));
	return *block ? 0 : ENOMEM;
}

void __wrap_free(void *block)
{
	if (!lines_contain(block)) {
		__real_free(block);
		return;
	}
	struct header *header = header_of(block);
	header->next = freed[header->class];
	freed[header->class] = block;
}

void *__wrap_realloc(void *block, size_t size)
{
	if (is_real() || (block && !lines_contain(block)))
		return __real_realloc(block, size);
	void *bigger = allocate(size, 16, __builtin_return_address(0));

	if (bigger && block) {
		size_t old = (size_t)1 << header_of(block)->class;

		memcpy(bigger, block, old < size ? old : size);
		__wrap_free(block);
	}
	return bigger;
}

/* C++: operator new and delete, by their names for the linker. */
void *__wrap__Znwm(size_t size)
{
	return is_real() ? __real_malloc(size) : allocate(size, 16, __builtin_return_address(0));
}

void *__wrap__Znam(size_t size)
{
	return is_real() ? __real_malloc(size) : allocate(size, 16, __builtin_return_address(0));
}

void *__wrap__ZnwmSt11align_val_t(size_t size, size_t alignment)
{
	return is_real() ? __real_aligned_alloc(alignment, size)
	                 : allocate(size, alignment, __builtin_return_address(0));
}

void __wrap__ZdlPvSt11align_val_t(void *block, size_t alignment)
{
	(void)alignment;
	__wrap_free(block);
}

void __wrap__ZdlPvmSt11align_val_t(void *block, size_t size, size_t alignment)
{
	(void)size;
	(void)alignment;
	__wrap_free(block);
}

void __wrap__ZdlPv(void *block)
{
	__wrap_free(block);
}

void __wrap__ZdlPvm(void *block, size_t size)
{
	(void)size;
	__wrap_free(block);
}

void __wrap__ZdaPv(void *block)
{
	__wrap_free(block);
}
