/*
 * A report read back from its JSON form, to draw it again or compare it.
 */
#ifndef BENCH_SAVED_H
#define BENCH_SAVED_H

#include "report.h"

struct saved {
	struct report report; /* rows without results: single runs are not read back */

	/* What it points to. */
	struct machine machine;
	struct report_row *rows;
	struct bench_queue *queues; /* one a row, for names that this program does not know */
	char *(*texts)[2];          /* one a row: name and why */
	char pin[64];
};

/* 0, or -1 with what is wrong with the file in why: one line without a newline. */
int saved_read(struct saved *saved, const char *file, char *why, size_t size);
void saved_free(struct saved *saved);

#endif
