/*
 * The goals that the scoreboard sets for the library, as a table of rows, and the results.
 *
 * A row is one situation, given as a command line of spmcq-bench, and its goals: each compares one
 * figure of spmcq with that of another queue.
 */
#ifndef BENCH_SCORE_H
#define BENCH_SCORE_H

#include "report/report.h"

enum score_against {
	SCORE_NOBODY = 0,  /* no more goals */
	SCORE_QUEUE,       /* that queue: the best of its points with our first point */
	SCORE_BEST_OTHER,  /* the fastest of all queues but spmcq and the yardsticks */
	SCORE_NUMBER,      /* a number */
	SCORE_BEST_OF_OWN, /* the slowest point of a sweep with the fastest, both of spmcq */
};

/* limit and aim are for the ratio of our figure to theirs: at least, or at most where less is
 * better. */
struct score_goal {
	enum score_against against;
	const char *name;   /* of SCORE_QUEUE */
	double number;      /* of SCORE_NUMBER, in the unit of the metric */
	const char *metric; /* its key; NULL: the workload's first */
	double limit;       /* 0: shown only */
	double aim;         /* 0: there is none */
};

enum { SCORE_GOALS = 3 };

struct score_row {
	const char *work;    /* in words */
	const char *command; /* what follows spmcq-bench */
	double seconds;      /* of a run */
	size_t runs;         /* of each queue, in turns */
	size_t cores;        /* needed; 0: one will do */
	struct score_goal goals[SCORE_GOALS + 1];
};

/* The list. Ends with a NULL work. */
extern const struct score_row score_rows[];

enum score_verdict {
	SCORE_NOT_MEASURED,
	SCORE_SHOWN, /* nothing is asked */
	SCORE_MISSED,
	SCORE_EVEN, /* "no worse" is asked; worse, but within noise */
	SCORE_MET,
	SCORE_AIM, /* met, and the aim reached */
};

/* One goal, measured. */
struct score {
	const struct score_row *row;
	const struct score_goal *goal;
	const struct bench_metric *metric;
	struct stats_spread ours, theirs; /* n == 0: there is none */
	char against[32];                 /* who they are */
	double ratio;                     /* of the medians; 0: there is none */
	bool disturbed;                   /* others used the machine during one of the runs */
	enum score_verdict verdict;
	char note[200]; /* what else one must know, or why it was not measured; "": nothing */
};

const char *score_verdict(enum score_verdict verdict);

/* For a terminal. */
void score_print_heading(FILE *out, const struct machine *machine, uint64_t seed);
void score_print(FILE *out, const struct score *scores, size_t n);
void score_print_sum(FILE *out, const struct score *scores, size_t n, double seconds);

/* For programs: 0 or -EIO. */
int score_json(FILE *out, const struct machine *machine, uint64_t seed, const struct score *scores,
               size_t n);

#endif
