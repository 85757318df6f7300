/*
 * The two calling conventions: System V x86-64 and AAPCS64.
 */
#define _GNU_SOURCE
#include <sys/auxv.h>

#include "simulate/switch.h"

#ifdef __x86_64__
#include <asm/prctl.h>
#include <asm/unistd.h>

__asm__(".text\n"
        ".hidden switch_stack\n"
        ".globl switch_stack\n"
        ".type switch_stack, @function\n"
        "switch_stack:\n"
        "	push %rbp\n"
        "	push %rbx\n"
        "	push %r12\n"
        "	push %r13\n"
        "	push %r14\n"
        "	push %r15\n"
        "	mov %rsp, (%rdi)\n"
        "	mov %rsi, %rsp\n"
        "	pop %r15\n"
        "	pop %r14\n"
        "	pop %r13\n"
        "	pop %r12\n"
        "	pop %rbx\n"
        "	pop %rbp\n"
        "	ret\n"
        ".size switch_stack, . - switch_stack\n");

enum { SAVED = 6 };

void *switch_prepare(void *top, void (*entry)(void))
{
	void **stack = top;

	*--stack = 0; /* where entry() would return to; and the alignment that it expects */
	*--stack = (void *)(uintptr_t)entry;
	for (int i = 0; i < SAVED; i++)
		*--stack = 0;
	return stack;
}

/* By this bit of AT_HWCAP2 the kernel says that a process may use rdfsbase and wrfsbase. Otherwise
 * arch_prctl is called. */
enum { HWCAP2_HAS_FSGSBASE = 1 << 1 };

uintptr_t switch_thread_pointer(void)
{
	uintptr_t pointer;

	__asm__("mov %%fs:0, %0" : "=r"(pointer)); /* the word at %fs:0 is its own address */
	return pointer;
}

/* By hand: the C library's way would be one of those that simulated code takes (system.c). */
static void ask_the_kernel(uintptr_t pointer)
{
	long number = __NR_arch_prctl;

	__asm__ volatile("syscall"
	                 : "+a"(number)
	                 : "D"((long)ARCH_SET_FS), "S"(pointer)
	                 : "rcx", "r11", "memory");
}

void switch_set_thread_pointer(uintptr_t pointer)
{
	static int has_instruction = -1;

	if (has_instruction < 0)
		has_instruction = !!(getauxval(AT_HWCAP2) & HWCAP2_HAS_FSGSBASE);
	if (has_instruction)
		__asm__ volatile("wrfsbase %0" : : "r"(pointer));
	else
		ask_the_kernel(pointer);
}

#else

__asm__(".text\n"
        ".hidden switch_stack\n"
        ".globl switch_stack\n"
        ".type switch_stack, %function\n"
        "switch_stack:\n"
        "	stp x29, x30, [sp, #-160]!\n"
        "	stp x19, x20, [sp, #16]\n"
        "	stp x21, x22, [sp, #32]\n"
        "	stp x23, x24, [sp, #48]\n"
        "	stp x25, x26, [sp, #64]\n"
        "	stp x27, x28, [sp, #80]\n"
        "	stp d8, d9, [sp, #96]\n"
        "	stp d10, d11, [sp, #112]\n"
        "	stp d12, d13, [sp, #128]\n"
        "	stp d14, d15, [sp, #144]\n"
        "	mov x9, sp\n"
        "	str x9, [x0]\n"
        "	mov sp, x1\n"
        "	ldp x19, x20, [sp, #16]\n"
        "	ldp x21, x22, [sp, #32]\n"
        "	ldp x23, x24, [sp, #48]\n"
        "	ldp x25, x26, [sp, #64]\n"
        "	ldp x27, x28, [sp, #80]\n"
        "	ldp d8, d9, [sp, #96]\n"
        "	ldp d10, d11, [sp, #112]\n"
        "	ldp d12, d13, [sp, #128]\n"
        "	ldp d14, d15, [sp, #144]\n"
        "	ldp x29, x30, [sp], #160\n"
        "	ret\n"
        ".size switch_stack, . - switch_stack\n");

enum { SAVED = 20 };

void *switch_prepare(void *top, void (*entry)(void))
{
	void **stack = (void **)top - SAVED;

	for (int i = 0; i < SAVED; i++)
		stack[i] = 0;
	stack[1] = (void *)(uintptr_t)entry; /* x30, where the switch returns to */
	return stack;
}

uintptr_t switch_thread_pointer(void)
{
	uintptr_t pointer;

	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(pointer));
	return pointer;
}

void switch_set_thread_pointer(uintptr_t pointer)
{
	__asm__ volatile("msr tpidr_el0, %0" : : "r"(pointer));
}

#endif
