/*
 * Opening the pages, and adding them up.
 */
#include <errno.h>

#include "ledger.h"
#include "measure/common.h"

int ledger_open(struct ledger *ledger, uint64_t items, size_t consumers)
{
	*ledger = (struct ledger){.items = items, .consumers = consumers};
	ledger->pages = common_alloc(consumers, sizeof(*ledger->pages));
	if (!ledger->pages)
		return -ENOMEM;
	for (size_t i = 0; i < consumers; i++) {
		ledger->pages[i].items = items;
		ledger->pages[i].got = common_alloc(items / 8 + 1, 1);
		if (!ledger->pages[i].got) {
			ledger_close(ledger);
			return -ENOMEM;
		}
	}
	return 0;
}

void ledger_close(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->consumers; i++)
		common_free(ledger->pages[i].got);
	common_free(ledger->pages);
}

static unsigned count_bits(unsigned char byte)
{
	return (unsigned)__builtin_popcount(byte);
}

/* The items nobody got; what several got goes to *doubled. */
static uint64_t count_lost(const struct ledger *ledger, uint64_t *doubled)
{
	uint64_t found = 0;

	for (uint64_t i = 0; i <= ledger->items / 8; i++) {
		unsigned char all = 0;

		for (size_t c = 0; c < ledger->consumers; c++) {
			unsigned char mine = ledger->pages[c].got[i];

			*doubled += count_bits(all & mine);
			all |= mine;
		}
		found += count_bits(all);
	}
	return ledger->items - found;
}

void ledger_check(const struct ledger *ledger, const struct bench_run *run,
                  struct bench_result *result)
{
	uint64_t doubled = 0, strange = 0, disordered = 0;
	uint64_t lost = count_lost(ledger, &doubled);

	for (size_t c = 0; c < ledger->consumers; c++) {
		doubled += ledger->pages[c].doubled;
		strange += ledger->pages[c].strange;
		disordered += ledger->pages[c].disordered;
	}
	if (!(run->queue->can & BENCH_FIFO))
		disordered = 0;
	if (result->outcome != BENCH_VOID && !lost && !doubled && !strange && !disordered)
		result->outcome = BENCH_CHECKED;
	else
		bench_void(result,
		           "of %llu items: %llu lost, %llu doubled, %llu never put or torn, "
		           "%llu out of order",
		           (unsigned long long)ledger->items, (unsigned long long)lost,
		           (unsigned long long)doubled, (unsigned long long)strange,
		           (unsigned long long)disordered);
}
