/*
 * The scoreboard for a terminal: a line for each goal.
 */
#include <string.h>

#include "report/cells.h"
#include "score_run.h"

/* work, figure, spmcq, who, their figure, ratio, asked, aim, verdict */
#define LINE "%-30s  %-11s  %-19s  %-14s %-19s  %6s  %6s  %5s  %s"

const char *score_verdict(enum score_verdict verdict)
{
	switch (verdict) {
	case SCORE_SHOWN:
		return "-";
	case SCORE_MISSED:
		return "MISSED";
	case SCORE_EVEN:
		return "EVEN";
	case SCORE_MET:
		return "MET";
	case SCORE_AIM:
		return "MET, aim too";
	case SCORE_NOT_MEASURED:
		break;
	}
	return "not measured";
}

static void print_others(FILE *out)
{
	fprintf(out, "others:");
	for (size_t i = 0; bench_queues[i]; i++)
		if (!(bench_queues[i]->can & BENCH_YARDSTICK) &&
		    bench_is_between_threads(bench_queues[i]->can) &&
		    strcmp(bench_queues[i]->name, "spmcq") != 0)
			fprintf(out, " %s", bench_queues[i]->name);
	fprintf(out, " (./bench/run --all scoreboard installs all there are)\n");
}

void score_print_heading(FILE *out, const struct machine *machine, uint64_t seed)
{
	const struct report report = {.machine = machine};

	fprintf(out, "scoreboard: what spmcq is to reach on two cores, and what it reaches here\n");
	report_machine(out, &report);
	fputc('\n', out);
	print_others(out);
	fprintf(out,
	        "Medians (lowest..highest) of short runs in turns, seed %llu; ratios are of "
	        "medians. All rows\n"
	        "take turns, too, in %d passes. For the best other, marked +, each runs three "
	        "times; the three with\n"
	        "the fastest run, and mutex, then take turns with spmcq.\n\n",
	        (unsigned long long)seed, SCORE_PASSES);
	fprintf(out, LINE "\n", "work", "figure", "spmcq", "against", "", "ratio", "asked", "aim",
	        "verdict");
	fflush(out);
}

/* As in "12.3 (11.0..14.1)". */
static void say_spread(char *text, size_t size, const struct stats_spread *spread, double scale)
{
	double median = spread->median / scale;
	int digits = cells_digits(median);

	*text = '\0'; /* also when there is none */
	if (spread->n == 1)
		snprintf(text, size, "%.*f", digits, median);
	else if (spread->n > 1)
		snprintf(text, size, "%.*f (%.*f..%.*f)", digits, median, digits,
		         spread->low / scale, digits, spread->high / scale);
}

static void say_ratio(char *text, size_t size, double ratio)
{
	*text = '\0';
	if (ratio > 0)
		snprintf(text, size, "%.*f", cells_digits(ratio), ratio);
}

static void say_wanted(char *text, size_t size, const struct bench_metric *metric, double wanted)
{
	*text = '\0';
	if (wanted > 0)
		snprintf(text, size, "%s%g", metric->better == BENCH_LESS ? "<=" : ">=", wanted);
}

static void print_one(FILE *out, const struct score *score, bool is_first)
{
	const struct score_goal *goal = score->goal;
	char ours[48], theirs[48], who[48], ratio[16], asked[16], aim[16];

	say_spread(ours, sizeof(ours), &score->ours, score->metric->scale);
	say_spread(theirs, sizeof(theirs), &score->theirs, score->metric->scale);
	snprintf(who, sizeof(who), "%s%s", score->against,
	         goal->against == SCORE_BEST_OTHER ? " +" : "");
	say_ratio(ratio, sizeof(ratio), score->ratio);
	say_wanted(asked, sizeof(asked), score->metric, goal->limit);
	say_wanted(aim, sizeof(aim), score->metric, goal->aim);
	fprintf(out, LINE "%s%s%s%s\n", is_first ? score->row->work : "", score->metric->title,
	        ours, who, theirs, ratio, asked, aim, score_verdict(score->verdict),
	        score->disturbed ? " *" : "", *score->note ? " (" : "", score->note,
	        *score->note ? ")" : "");
}

void score_print(FILE *out, const struct score *scores, size_t n)
{
	for (size_t i = 0; i < n; i++)
		print_one(out, &scores[i], i == 0);
	fflush(out); /* the next takes a while */
}

void score_print_sum(FILE *out, const struct score *scores, size_t n, double seconds)
{
	size_t count[SCORE_AIM + 1] = {0}, disturbed = 0;

	for (size_t i = 0; i < n; i++) {
		count[scores[i].verdict]++;
		disturbed += scores[i].disturbed;
	}
	fprintf(out,
	        "\n%zu met, %zu of them with the aim; %zu even, %zu missed, %zu not measured; %.0f "
	        "s\n",
	        count[SCORE_MET] + count[SCORE_AIM], count[SCORE_AIM], count[SCORE_EVEN],
	        count[SCORE_MISSED], count[SCORE_NOT_MEASURED], seconds);
	if (count[SCORE_EVEN])
		fprintf(out, "EVEN: asked is to be no worse; it was, but within noise, as the 95%% "
		             "intervals of the medians touch\n");
	if (disturbed)
		fprintf(out, "* others used more than %.0f%% of the machine during a run\n",
		        REPORT_DISTURBED * 100);
}
