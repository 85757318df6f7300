/*
 * Makes all threads of the process execute a fence, by Linux's membarrier.
 */
#include "sys.h"

#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_include) && !defined(SPMCQ_MODEL)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define HAVE_SINGLE_THREADED
#endif
#endif

static bool register_for_fences(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Registering takes milliseconds once the process has threads, and nearly no time before. So the
 * library registers the process when the program starts; if that was too late, the first fence
 * does. */
#ifndef SPMCQ_MODEL
__attribute__((constructor)) static void register_early(void)
{
#ifdef HAVE_SINGLE_THREADED
	if (!__libc_single_threaded)
		return;
#endif
	register_for_fences();
}
#endif

INTERNAL bool sys_can_fence_all(void)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
}

INTERNAL void sys_fence_all(void)
{
	/* The call fails if the process is not registered; a forked child is not. Without the fence
	 * items could be lost. */
	while (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
		if (!register_for_fences()) {
			fputs("spmcq: membarrier is refused, and was not when the queue was made\n",
			      stderr);
			abort();
		}
}
