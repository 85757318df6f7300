/*
 * The list of competitors, and why each is there. A new one is one file and one line here.
 */
#include <string.h>

#include "queue.h"

extern const struct bench_queue bench_spmcq, bench_mine, bench_ck_ring, bench_ck_ticket,
        bench_ck_mcs, bench_ticket, bench_nsync, bench_glib, bench_apr, bench_urcu, bench_tbb,
        bench_moodycamel, bench_boost, bench_rte_ring, bench_rte_ring_rts, bench_python,
        bench_limit, bench_none, bench_nats, bench_nats_plain, bench_shared, bench_shared_aes,
        bench_shared_chacha, bench_shared_polled, bench_mq, bench_seqpacket, bench_pipe,
        bench_boost_mq, bench_python_mp;

const struct bench_queue *const bench_queues[] = {
        &bench_spmcq,     /* this library */
        &bench_mutex,     /* the baseline: a lock round an array, what most programs have */
        &bench_mine,      /* where students write their own queue */
        &bench_ck_ring,   /* the ring of the library that this one uses; waiting threads poll */
        &bench_ck_ticket, /* a lock without system calls; fair */
        &bench_ck_mcs,    /* the same, made for many cores */
        &bench_ticket,    /* scales best: a get is a fetch-and-add, then a wait for that item */
#ifdef HAVE_NSYNC
        &bench_nsync, /* a lock and conditions said to be better than pthread's */
#endif
#ifdef HAVE_GLIB
        &bench_glib, /* what desktop programs in C use */
#endif
#ifdef HAVE_APR
        &bench_apr, /* what servers in C use */
#endif
#ifdef HAVE_URCU
        &bench_urcu, /* wait-free to put; from the people of the kernel's RCU */
#endif
#ifdef HAVE_TBB
        &bench_tbb, /* bounded and blocking, in C++ */
#endif
#ifdef HAVE_MOODYCAMEL
        &bench_moodycamel, /* the one that C++ programmers are sent to */
#endif
#ifdef HAVE_BOOST
        &bench_boost, /* lock-free and bounded, in C++ */
#endif
#ifdef HAVE_RTE_RING
        &bench_rte_ring,     /* the one of packet processing, for a core a thread */
        &bench_rte_ring_rts, /* and for more threads than cores */
#endif
        &bench_python, /* the original */
#ifdef HAVE_SHARED
        &bench_shared,        /* this library between processes */
        &bench_shared_aes,    /* the same with sealed items, by AES-256-GCM */
        &bench_shared_chacha, /* and by XChaCha20-Poly1305 */
        &bench_shared_polled, /* how fast it is where nobody sleeps */
#endif
#ifdef HAVE_PROCESSES
        &bench_mq,        /* what POSIX has for it */
        &bench_seqpacket, /* what most programs have */
        &bench_pipe,      /* the oldest, and the best of the kernel's */
#endif
#ifdef HAVE_BOOST_MQ
        &bench_boost_mq, /* in shared memory, too, with a lock round it */
#endif
        &bench_python_mp, /* the original between processes */
#ifdef HAVE_NATS
        &bench_nats,       /* this library between machines */
        &bench_nats_plain, /* the same by hand, with none of its promises */
#endif
        &bench_limit, /* how fast items can move at all */
        &bench_none,  /* how fast it goes where none has to move */
        NULL,
};

const struct bench_queue *bench_queue_named(const char *name)
{
	for (const struct bench_queue *const *queue = bench_queues; *queue; queue++)
		if (strcmp((*queue)->name, name) == 0)
			return *queue;
	return NULL;
}
