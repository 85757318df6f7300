/*
 * What `gcc -fsanitize=thread` and clang's call before every access to memory, and in place of
 * every atomic operation. Names and signatures are those of ThreadSanitizer's runtime in LLVM
 * (https://github.com/llvm/llvm-project, folder compiler-rt), which this takes the place of.
 * Outside the machine, while queues are made, they only do what they say.
 */
#include <stdint.h>

#include "simulate/cores.h"
#include "simulate/memory.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define CALLER __builtin_return_address(0)

enum { SEQ_CST = __ATOMIC_SEQ_CST };

void __tsan_init(void)
{
}

/* As many bytes at a time as a processor moves with vectors. Steps end at multiples of it, so that
 * every line that a range touches is asked for. */
enum { STEP = 32 };

static size_t step(const char *at, size_t left)
{
	size_t room = STEP - (uintptr_t)at % STEP;

	return room < left ? room : left;
}

static void read_range(const char *at, size_t size, const void *caller)
{
	for (size_t n; self && size > 0; at += n, size -= n) {
		n = step(at, size);
		memory_load(at, n, caller);
	}
}

static void write_range(char *at, size_t size, const void *caller)
{
	for (size_t n; self && size > 0; at += n, size -= n) {
		n = step(at, size);
		memory_store(at, caller);
	}
}

#define ACCESS(size)                                                                               \
	void __tsan_read##size(void *at)                                                           \
	{                                                                                          \
		if (self)                                                                          \
			memory_load(at, size, CALLER);                                             \
	}                                                                                          \
	void __tsan_write##size(void *at)                                                          \
	{                                                                                          \
		if (self)                                                                          \
			memory_store(at, CALLER);                                                  \
	}                                                                                          \
	void __tsan_unaligned_read##size(void *at)                                                 \
	{                                                                                          \
		read_range(at, size, CALLER);                                                      \
	}                                                                                          \
	void __tsan_unaligned_write##size(void *at)                                                \
	{                                                                                          \
		write_range(at, size, CALLER);                                                     \
	}                                                                                          \
	void __tsan_volatile_read##size(void *at)                                                  \
	{                                                                                          \
		if (self)                                                                          \
			memory_load(at, size, CALLER);                                             \
	}                                                                                          \
	void __tsan_volatile_write##size(void *at)                                                 \
	{                                                                                          \
		if (self)                                                                          \
			memory_store(at, CALLER);                                                  \
	}

/* clang-format off */
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
/* clang-format on */

void __tsan_read_range(void *at, size_t size)
{
	read_range(at, size, CALLER);
}

void __tsan_write_range(void *at, size_t size)
{
	write_range(at, size, CALLER);
}

void __tsan_vptr_read(void **at)
{
	if (self)
		memory_load(at, sizeof(*at), CALLER);
}

void __tsan_vptr_update(void **at, void *value)
{
	(void)value;
	if (self)
		memory_store(at, CALLER);
}

/* The functions of the C library are not compiled with hooks, so the linker sends calls of them
 * here. */
void *__real_memmove(void *to, const void *from, size_t size);
void *__real_memset(void *to, int byte, size_t size);

void *__wrap_memcpy(void *to, const void *from, size_t size)
{
	read_range(from, size, CALLER);
	write_range(to, size, CALLER);
	return __real_memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size)
{
	read_range(from, size, CALLER);
	write_range(to, size, CALLER);
	return __real_memmove(to, from, size);
}

void *__wrap_memset(void *to, int byte, size_t size)
{
	write_range(to, size, CALLER);
	return __real_memset(to, byte, size);
}

#define UPDATE(bits, name, result)                                                                 \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *at,                   \
	                                            uint##bits##_t value, int order)               \
	{                                                                                          \
		(void)order;                                                                       \
		if (self)                                                                          \
			memory_locked(at, CALLER);                                                 \
		uint##bits##_t before = *at;                                                       \
		*at = (uint##bits##_t)(result);                                                    \
		return before;                                                                     \
	}

/* A compare-and-swap that fails needs the line as one that succeeds does. */
#define COMPARE(bits, name)                                                                        \
	int __tsan_atomic##bits##_compare_exchange_##name(                                         \
	        volatile uint##bits##_t *at, uint##bits##_t *expected, uint##bits##_t value,       \
	        int order, int failure)                                                            \
	{                                                                                          \
		(void)order;                                                                       \
		(void)failure;                                                                     \
		if (self)                                                                          \
			memory_locked(at, CALLER);                                                 \
		uint##bits##_t before = *at;                                                       \
		if (before == *expected) {                                                         \
			*at = value;                                                               \
			return 1;                                                                  \
		}                                                                                  \
		*expected = before;                                                                \
		return 0;                                                                          \
	}

#define ATOMIC(bits)                                                                               \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *at, int order)    \
	{                                                                                          \
		(void)order;                                                                       \
		if (self)                                                                          \
			return (uint##bits##_t)memory_load_value(at, sizeof(*at), CALLER);         \
		return *at;                                                                        \
	}                                                                                          \
	/* A sequentially consistent store is an exchange on x86-64. */                            \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *at, uint##bits##_t value,        \
	                                 int order)                                                \
	{                                                                                          \
		if (self && order != SEQ_CST) {                                                    \
			memory_store_value(at, sizeof(*at), value, CALLER);                        \
			return;                                                                    \
		}                                                                                  \
		if (self)                                                                          \
			memory_locked(at, CALLER);                                                 \
		*at = value;                                                                       \
	}                                                                                          \
	UPDATE(bits, exchange, value)                                                              \
	UPDATE(bits, fetch_add, before + value)                                                    \
	UPDATE(bits, fetch_sub, before - value)                                                    \
	UPDATE(bits, fetch_and, before &value)                                                     \
	UPDATE(bits, fetch_or, before | value)                                                     \
	UPDATE(bits, fetch_xor, before ^ value)                                                    \
	UPDATE(bits, fetch_nand, ~(before & value))                                                \
	COMPARE(bits, strong)                                                                      \
	COMPARE(bits, weak)                                                                        \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                 \
	        volatile uint##bits##_t *at, uint##bits##_t expected, uint##bits##_t value,        \
	        int order, int failure)                                                            \
	{                                                                                          \
		(void)order;                                                                       \
		(void)failure;                                                                     \
		if (self)                                                                          \
			memory_locked(at, CALLER);                                                 \
		uint##bits##_t before = *at;                                                       \
		if (before == expected)                                                            \
			*at = value;                                                               \
		return before;                                                                     \
	}

/* clang-format off */
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)
/* clang-format on */

/* Weaker fences are no instruction on x86-64. */
void __tsan_atomic_thread_fence(int order)
{
	if (self && order == SEQ_CST)
		memory_fence();
}

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

void sim_prefetch(const volatile void *at, int for_writing)
{
	if (self)
		memory_prefetch(at, for_writing);
}

void sim_fence(void)
{
	if (self)
		memory_fence();
}

void sim_pause(void)
{
	if (!self)
		return;
	/* Others need no turn: a pause touches nothing. The next access gives them one. */
	cores_spend(sim_ns(cores.costs.pause));
	if (cores_slice_is_over())
		cores_turn();
}
