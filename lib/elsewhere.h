/*
 * A queue that lies elsewhere than in this process's own memory has the same type, and the same
 * public calls: they hand over to the calls of this table. A queue between threads has none, and
 * knows nothing of lib/shared.
 */
#ifndef SPMCQ_ELSEWHERE_H
#define SPMCQ_ELSEWHERE_H

#include "spmcq.h"

#include "internal.h"

#include <stdalign.h>

struct elsewhere_facts {
	size_t capacity;
	size_t item_size;
	size_t size;
	size_t unfinished;
	bool is_shutdown;
};

struct elsewhere {
	/* Of one item or more; one that tries has no deadline. */
	ssize_t (*put)(struct spmcq *q, const void *items, size_t n,
	               const struct timespec *deadline, bool try);
	ssize_t (*get)(struct spmcq *q, void *items, size_t max, const struct timespec *deadline,
	               bool try);
	int (*task_done)(struct spmcq *q, size_t n);
	int (*join)(struct spmcq *q, const struct timespec *deadline);
	int (*shutdown)(struct spmcq *q, bool now);
	int (*release_producer)(struct spmcq *q);
	int (*take_producer)(struct spmcq *q);
	void (*look)(const struct spmcq *q, struct elsewhere_facts *facts);
	int (*stats)(const struct spmcq *q, struct spmcq_stats *out);
	int (*destroy)(struct spmcq *q);
};

/* What such a queue begins with: the table, and zeros for as many bytes as a queue between threads
 * has. So nobody owns it to put and no thread has a cell in it, and the fast paths of the calls,
 * which see that anyway, need not look for a table: those behind them do. */
struct elsewhere_face {
	alignas(2 * CACHE_LINE) const struct elsewhere *table;
	unsigned char zeros[112 * CACHE_LINE - sizeof(const struct elsewhere *)];
};

#endif
