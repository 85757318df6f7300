/*
 * The scoreboard for programs.
 */
#include <errno.h>
#include <jansson.h>

#include "score.h"

static json_t *spread_object(const struct stats_spread *spread)
{
	if (spread->n == 0)
		return json_null();
	return json_pack("{s:f, s:f, s:f, s:I}", "median", spread->median, "low", spread->low,
	                 "high", spread->high, "runs", (json_int_t)spread->n);
}

static json_t *score_object(const struct score *score)
{
	const struct score_goal *goal = score->goal;
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s}", "work", score->row->work,
	                           "command", score->row->command, "metric", score->metric->key,
	                           "against", score->against, "disturbed", score->disturbed,
	                           "verdict", score_verdict(score->verdict), "note", score->note);

	json_object_set_new(object, "ours", spread_object(&score->ours));
	json_object_set_new(object, "theirs", spread_object(&score->theirs));
	json_object_set_new(object, "ratio", json_real(score->ratio));
	if (goal->limit > 0)
		json_object_set_new(object,
		                    score->metric->better == BENCH_LESS ? "at_most" : "at_least",
		                    json_real(goal->limit));
	if (goal->aim > 0)
		json_object_set_new(object, "aim", json_real(goal->aim));
	return object;
}

int score_json(FILE *out, const struct machine *machine, uint64_t seed, const struct score *scores,
               size_t n)
{
	json_t *list = json_array();
	json_t *root = json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:o}", "cpu", machine->cpu,
	                         "cores", (int)machine->cores, "kernel", machine->kernel,
	                         "compiler", machine->compiler, "library", machine->library, "seed",
	                         (json_int_t)seed, "scores", list);
	int failed;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, score_object(&scores[i]));
	failed = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	fputc('\n', out);
	json_decref(root);
	return failed ? -EIO : 0;
}
