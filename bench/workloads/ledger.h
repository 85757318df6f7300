/*
 * Which consumer got which items: each consumer keeps a list of its own, a bit per item, and in the
 * end they must make up exactly the items 0..N-1, each once. Nothing is shared while the clock
 * runs.
 */
#ifndef BENCH_LEDGER_H
#define BENCH_LEDGER_H

#include <stdalign.h>

#include "workload.h"

/* One consumer's page; only it touches it until it has left. */
struct ledger_page {
	alignas(64) unsigned char *got; /* bit n: got item n */
	uint64_t items;                 /* N */
	uint64_t next;                  /* where order is kept, the least number that may come */
	uint64_t doubled, strange, disordered; /* got twice; never put, or torn; out of order */
};
_Static_assert(sizeof(struct ledger_page) == 64, "a cache line of its own");

struct ledger {
	uint64_t items;
	size_t consumers;
	struct ledger_page *pages;
};

/* All of it is in common memory (measure/common.h). */
int ledger_open(struct ledger *ledger, uint64_t items, size_t consumers); /* 0 or -ENOMEM */
void ledger_close(struct ledger *ledger);

/* This consumer got item n. False: there is no such item. */
static inline bool ledger_enter(struct ledger_page *page, uint64_t n)
{
	unsigned char bit = (unsigned char)(1u << n % 8);

	if (n >= page->items) {
		page->strange++;
		return false;
	}
	page->doubled += !!(page->got[n / 8] & bit);
	page->disordered += n < page->next;
	page->got[n / 8] |= bit;
	page->next = n + 1;
	return true;
}

/* When all have left: every item once, and in order where the queue promises it. The outcome goes
 * to the result. */
void ledger_check(const struct ledger *ledger, const struct bench_run *run,
                  struct bench_result *result);

#endif
