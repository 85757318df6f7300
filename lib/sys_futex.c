/*
 * Sleeping and waking by the futex of Linux.
 */
#include "sys.h"

#include "futex.h"

INTERNAL int sys_word_init(struct sys_word *word)
{
	atomic_init(&word->value, 0);
	return 0;
}

INTERNAL void sys_word_destroy(struct sys_word *word)
{
	(void)word;
}

INTERNAL bool sys_sleep(struct sys_word *word, uint32_t seen, const struct timespec *deadline)
{
	return futex_sleep(&word->value, seen, deadline, FUTEX_PRIVATE_FLAG);
}

INTERNAL void sys_wake(struct sys_word *word, uint32_t n)
{
	futex_wake(&word->value, n, FUTEX_PRIVATE_FLAG);
}
