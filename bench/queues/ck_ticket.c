/*
 * A ring under Concurrency Kit's ticket lock, which serves its waiters in the order in which they
 * came.
 */
#include <ck_spinlock.h>

struct spin_lock {
	ck_spinlock_ticket_t ticket;
};

struct spin_hold {
	char nothing;
};

static void spin_init(struct spin_lock *lock)
{
	ck_spinlock_ticket_init(&lock->ticket);
}

static inline void spin_take(struct spin_lock *lock, struct spin_hold *hold)
{
	(void)hold;
	ck_spinlock_ticket_lock(&lock->ticket);
}

static inline void spin_give(struct spin_lock *lock, struct spin_hold *hold)
{
	(void)hold;
	ck_spinlock_ticket_unlock(&lock->ticket);
}

#include "spin_ring.h"

extern const struct bench_queue bench_ck_ticket;
const struct bench_queue bench_ck_ticket = {
        .name = "ck_ticket",
        SPIN_RING,
};
