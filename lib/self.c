/*
 * The thread's identity is the address of its control block, which pthread_self() returns: no two
 * living threads of a process share it, in a forked child and in a new pid namespace, too. (A
 * number of the kernel's does not do: a child's new thread may get the one that its first thread
 * remembers from before the fork.) An address returns after its thread has ended, which is no harm:
 * the next thread there inherits what the dead one owned, its cell among it, so that any number of
 * threads can come and go.
 */
#include "self.h"

#include <pthread.h>

SLOW_PATH INTERNAL uint64_t self_ask(void)
{
	self_known.id = (uint64_t)(uintptr_t)pthread_self();
	return self_known.id;
}
