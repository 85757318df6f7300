/*
 * Compares what the runs of a row gave with what was asked.
 */
#include <string.h>

#include "score_run.h"

/* At the first point of a sweep. */
static const struct report_row *row_of(const struct measurement *measurement,
                                       const struct bench_queue *queue)
{
	for (size_t i = 0; i < measurement->n; i++)
		if (measurement->rows[i].queue == queue)
			return &measurement->rows[i];
	return NULL;
}

/* At the point where it is fastest; the first if it never finished. */
static const struct report_row *best_of(const struct measurement *measurement,
                                        const struct bench_queue *queue)
{
	const struct report_row *best = row_of(measurement, queue);

	for (size_t i = 0; i < measurement->n; i++)
		if (measurement->rows[i].queue == queue &&
		    measurement->rows[i].metric[0].median > best->metric[0].median)
			best = &measurement->rows[i];
	return best;
}

static const struct report_row *slowest(const struct measurement *measurement)
{
	const struct report_row *worst = &measurement->rows[0];

	for (size_t i = 1; i < measurement->n; i++)
		if (measurement->rows[i].metric[0].median < worst->metric[0].median)
			worst = &measurement->rows[i];
	return worst;
}

static bool reaches(const struct score *score, double wanted)
{
	return score->metric->better == BENCH_LESS ? score->ratio <= wanted
	                                           : score->ratio >= wanted;
}

static enum score_verdict judge(const struct score *score)
{
	const struct score_goal *goal = score->goal;

	if (goal->limit == 0)
		return SCORE_SHOWN;
	/* Of two queues that are equally fast, noise makes either the slower. So a goal of "no
	 * worse" is even if the difference is within noise. */
	if (!reaches(score, goal->limit))
		return goal->limit == 1 && stats_change(&score->theirs, &score->ours) == STATS_SAME
		               ? SCORE_EVEN
		               : SCORE_MISSED;
	return goal->aim != 0 && reaches(score, goal->aim) ? SCORE_AIM : SCORE_MET;
}

static size_t metric_number(const struct bench_workload *workload, const char *key)
{
	size_t number = 0;

	while (key && strcmp(workload->metrics[number].key, key) != 0)
		number++;
	return number;
}

/* theirs: NULL when they are a number. */
static void compare(struct score *score, const struct report_row *ours,
                    const struct report_row *theirs, size_t metric)
{
	score->disturbed = ours->disturbed > 0 || (theirs && theirs->disturbed > 0);
	if (ours->outcome != BENCH_CHECKED) {
		snprintf(score->note, sizeof(score->note), "spmcq: %s", ours->why);
		score->verdict = SCORE_MISSED;
		return;
	}
	score->ours = ours->metric[metric];
	if (theirs && theirs->outcome != BENCH_CHECKED) {
		snprintf(score->note, sizeof(score->note), "%s: %s", theirs->queue->name,
		         theirs->why);
		return;
	}
	if (theirs)
		score->theirs = theirs->metric[metric];
	else
		score->theirs = (struct stats_spread){.n = 1, .median = score->goal->number};
	if (score->theirs.median <= 0) {
		snprintf(score->note, sizeof(score->note), "nothing to compare with");
		return;
	}
	score->ratio = score->ours.median / score->theirs.median;
	score->verdict = judge(score);
}

/* If the other queue was measured at several points, its best point counts. */
static void compare_with_queue(struct score *score, const struct measurement *measurement,
                               size_t metric)
{
	const struct bench_queue *queue = bench_queue_named(score->goal->name);
	const struct report_row *ours = row_of(measurement, score_us());
	const struct report_row *theirs = best_of(measurement, queue);

	snprintf(score->against, sizeof(score->against), "%s", queue->name);
	if (theirs->point.bulk != ours->point.bulk)
		snprintf(score->note, sizeof(score->note), "%s by %llu", queue->name,
		         (unsigned long long)theirs->point.bulk);
	compare(score, ours, theirs, metric);
}

/* Notes the queues that were in the last round and did not finish. */
static void note_failures(struct score *score, const struct measurement *measurement)
{
	size_t used = 0;

	for (size_t i = 0; i < measurement->n && used < sizeof(score->note); i++) {
		const struct report_row *row = &measurement->rows[i];

		if (row->outcome != BENCH_CHECKED && row->queue != score_us())
			used += (size_t)snprintf(score->note + used, sizeof(score->note) - used,
			                         "%s%s: %s", used ? "; " : "", row->queue->name,
			                         row->why);
	}
}

static void compare_with_best(struct score *score, const struct measurement *measurement,
                              size_t metric)
{
	const struct bench_queue *ours = score_us();
	const struct report_row *best = score_fastest(measurement, &ours, 1);

	note_failures(score, measurement);
	if (!best)
		return;
	snprintf(score->against, sizeof(score->against), "%s", best->queue->name);
	compare(score, row_of(measurement, ours), best, metric);
}

/* No queue but spmcq took part. */
static void compare_own(struct score *score, const struct measurement *measurement, size_t metric)
{
	const struct report_row *best = score_fastest(measurement, NULL, 0);
	const struct report_row *worst = slowest(measurement);

	if (best)
		snprintf(score->against, sizeof(score->against), "with %llu",
		         (unsigned long long)best->point.consumers);
	snprintf(score->note, sizeof(score->note), "slowest with %llu",
	         (unsigned long long)worst->point.consumers);
	compare(score, worst, best ? best : worst, metric);
}

static void fill(struct score *score, const struct measurement *measurement, size_t metric)
{
	const struct score_goal *goal = score->goal;

	switch (goal->against) {
	case SCORE_QUEUE:
		compare_with_queue(score, measurement, metric);
		break;
	case SCORE_BEST_OTHER:
		compare_with_best(score, measurement, metric);
		break;
	case SCORE_BEST_OF_OWN:
		compare_own(score, measurement, metric);
		break;
	case SCORE_NUMBER:
		compare(score, row_of(measurement, score_us()), NULL, metric);
		break;
	case SCORE_NOBODY:
		break;
	}
}

static void end(struct score_trial *trial, struct score *scores, size_t n)
{
	measure_end(&trial->measurement, &trial->plan);
	for (size_t i = 0; i < n; i++) {
		size_t metric = metric_number(trial->plan.workload, scores[i].goal->metric);

		scores[i].metric = &trial->plan.workload->metrics[metric];
		fill(&scores[i], &trial->measurement, metric);
	}
	measurement_free(&trial->measurement);
}

size_t score_end(struct score_trial *trial, struct score *scores)
{
	static const struct bench_metric none = {.key = "", .title = "", .scale = 1};
	const struct score_row *row = trial->row;
	size_t n = 0;

	for (; row->goals[n].against; n++)
		scores[n] = (struct score){.row = row, .goal = &row->goals[n], .metric = &none};
	if (!trial->why)
		end(trial, scores, n);
	for (size_t i = 0; trial->why && i < n; i++)
		snprintf(scores[i].note, sizeof(scores[i].note), "%s", trial->why);
	return n;
}
