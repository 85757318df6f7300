/*
 * The queues that the simulated machine knows: those whose code is all compiled here. The program's
 * own list says which they are by BENCH_SIMULATED.
 */
#include <string.h>

#include "queue.h"

extern const struct bench_queue bench_spmcq, bench_mine, bench_ck_ring, bench_ck_ticket,
        bench_ck_mcs, bench_ticket, bench_moodycamel, bench_boost, bench_rte_ring,
        bench_rte_ring_rts;

static const struct bench_queue *const simulated[] = {
        &bench_spmcq,      &bench_mutex,        &bench_mine,   &bench_ck_ring,
        &bench_ck_ticket,  &bench_ck_mcs,       &bench_ticket,
#ifdef HAVE_MOODYCAMEL
        &bench_moodycamel,
#endif
#ifdef HAVE_BOOST
        &bench_boost,
#endif
#ifdef HAVE_RTE_RING
        &bench_rte_ring,   &bench_rte_ring_rts,
#endif
};

const struct bench_queue *bench_queue_named(const char *name)
{
	for (size_t i = 0; i < sizeof(simulated) / sizeof(*simulated); i++)
		if (strcmp(simulated[i]->name, name) == 0)
			return simulated[i];
	return NULL;
}
