/*
 * spmcq-seal-bench: what sealing and opening cost, in ns an item, beside libsodium's bare calls.
 *
 * one thread: seal, seal, ...; open, open, ...   Timed: each by itself, in slices. There are four
 *                                                kinds: seal and open, each by the library and by
 *                                                libsodium alone; a round has a slice of each.
 *                                                Checked: what was opened is what was sealed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/clock.h"
#include "measure/stats.h"
#include "seal/bare.h"

enum {
	ROUNDS = 11,
	MOST_ROUNDS = 1000,
	SLICE_NS = 1000000, /* some dozen calls, with the largest run */
	MOST_BYTES = 256 * 1024,
	SEED = 1, /* of the bootstrap */
};

enum kind { SEAL, OPEN, BARE_SEAL, BARE_OPEN, KINDS };

static const size_t item_sizes[] = {8, 64, 1024};
static const size_t runs[] = {1, 16, 32, 256};

/* What is sealed and opened again and again. */
struct cell {
	const struct bare *bare;
	struct spmcq_key *key;
	size_t n, item_size, sealed_size;
	uint64_t position; /* of the next run that is sealed; that of the last is one below */
	unsigned char items[MOST_BYTES];
	unsigned char opened[MOST_BYTES];
	unsigned char sealed[MOST_BYTES + SPMCQ_TAG_MOST];
	double ns[KINDS][MOST_ROUNDS];
};

static bool call(struct cell *cell, enum kind kind)
{
	size_t bytes = cell->n * cell->item_size;

	switch (kind) {
	case SEAL:
		return spmcq_seal_items(cell->key, cell->position++, cell->items, cell->n,
		                        cell->item_size, cell->sealed,
		                        sizeof(cell->sealed)) == (ssize_t)cell->sealed_size;
	case OPEN:
		return spmcq_open_items(cell->key, cell->position - 1, cell->sealed,
		                        cell->sealed_size, cell->opened, cell->n,
		                        cell->item_size) == (ssize_t)cell->n;
	case BARE_SEAL:
		cell->bare->seal(cell->position++, cell->items, bytes, cell->sealed);
		return true;
	case BARE_OPEN:
		return cell->bare->open(cell->position - 1, cell->sealed, cell->sealed_size,
		                        cell->opened);
	case KINDS:
		break;
	}
	return false;
}

/* Sets the ns an item of a slice. Returns false if a call failed. */
static bool time_slice(struct cell *cell, enum kind kind, double *ns)
{
	uint64_t begin = clock_now(), now;
	uint64_t calls = 0;

	do {
		for (unsigned i = 0; i < 16; i++, calls++)
			if (!call(cell, kind))
				return false;
		now = clock_now();
	} while (now - begin < SLICE_NS);
	*ns = (double)(now - begin) / (double)(calls * cell->n);
	return true;
}

static bool time_round(struct cell *cell, size_t round)
{
	for (enum kind kind = SEAL; kind < KINDS; kind++) {
		if (!time_slice(cell, kind, &cell->ns[kind][round]))
			return false;
		if ((kind == OPEN || kind == BARE_OPEN) &&
		    memcmp(cell->items, cell->opened, cell->n * cell->item_size) != 0)
			return false;
		memset(cell->opened, 0, cell->n * cell->item_size);
	}
	return true;
}

static void print_row(struct cell *cell, size_t rounds)
{
	printf("%-19s %5zu %4zu ", cell->bare->name, cell->item_size, cell->n);
	for (enum kind kind = SEAL; kind < KINDS; kind++) {
		struct stats_spread spread = stats_spread(cell->ns[kind], rounds, SEED);

		printf(" %7.1f [%.1f..%.1f]", spread.median, spread.from, spread.to);
	}
	printf("\n");
	fflush(stdout);
}

static int measure_cell(struct cell *cell, size_t rounds)
{
	cell->sealed_size = (size_t)spmcq_sealed_size(cell->key, cell->n, cell->item_size);
	for (size_t i = 0; i < sizeof(cell->items); i++)
		cell->items[i] = (unsigned char)(i * 7);
	for (size_t round = 0; round < rounds; round++)
		if (!time_round(cell, round)) {
			fprintf(stderr, "spmcq-seal-bench: %s, %zu items of %zu: did not open\n",
			        cell->bare->name, cell->n, cell->item_size);
			return 1;
		}
	print_row(cell, rounds);
	return 0;
}

/* Algorithms that this processor lacks are left out. */
static int measure_algorithm(struct cell *cell, size_t rounds)
{
	int error = spmcq_key_create(&cell->key, cell->bare->algorithm);
	int status = 0;

	if (error) {
		fprintf(stderr, "spmcq-seal-bench: %s: %s\n", cell->bare->name, strerror(-error));
		return error == -ENOTSUP ? 0 : 1;
	}
	for (size_t s = 0; s < sizeof(item_sizes) / sizeof(item_sizes[0]); s++)
		for (size_t r = 0; r < sizeof(runs) / sizeof(runs[0]); r++) {
			cell->item_size = item_sizes[s];
			cell->n = runs[r];
			status |= measure_cell(cell, rounds);
		}
	spmcq_key_destroy(cell->key);
	return status;
}

int main(int argc, char **argv)
{
	static struct cell cell;
	char *end = NULL;
	long rounds = argc > 1 ? strtol(argv[1], &end, 10) : ROUNDS;
	int status = 0;

	if (argc > 2 || (end && *end) || rounds < 1 || rounds > MOST_ROUNDS) {
		fprintf(stderr, "usage: spmcq-seal-bench [ROUNDS]   (1 to %d; %d)\n", MOST_ROUNDS,
		        ROUNDS);
		return 2;
	}
	if (bare_start() != 0)
		return 1;
	printf("ns an item: median of %ld rounds [its 95%% interval]; bare: libsodium's own calls\n"
	       "algorithm            item  run  seal, open, bare seal, bare open\n",
	       rounds);
	for (cell.bare = bare_algorithms; cell.bare->name; cell.bare++)
		status |= measure_algorithm(&cell, (size_t)rounds);
	return status;
}
