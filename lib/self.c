/*
 * The thread's identity, asked of the kernel once per thread. A thread id may return after its
 * thread has ended, which is no harm: whoever has it then inherits what the dead one owned.
 */
#include "self.h"

#ifdef __linux__
#include <unistd.h>
#endif

SLOW_PATH INTERNAL uint64_t self_ask(void)
{
#ifdef __linux__
	self_known.id = (uint64_t)gettid();
#else
	self_known.id = (uint64_t)(uintptr_t)&self_known;
#endif
	return self_known.id;
}
