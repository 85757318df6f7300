/*
 * A ring under Concurrency Kit's MCS lock. Each waiter for the lock spins on a variable of its own.
 */
#include <ck_spinlock.h>

struct spin_lock {
	ck_spinlock_mcs_t last; /* of those who hold it or wait */
};

struct spin_hold {
	ck_spinlock_mcs_context_t place;
};

static void spin_init(struct spin_lock *lock)
{
	ck_spinlock_mcs_init(&lock->last);
}

static inline void spin_take(struct spin_lock *lock, struct spin_hold *hold)
{
	ck_spinlock_mcs_lock(&lock->last, &hold->place);
}

static inline void spin_give(struct spin_lock *lock, struct spin_hold *hold)
{
	ck_spinlock_mcs_unlock(&lock->last, &hold->place);
}

#include "spin_ring.h"

extern const struct bench_queue bench_ck_mcs;
const struct bench_queue bench_ck_mcs = {
        .name = "ck_mcs",
        SPIN_RING,
};
