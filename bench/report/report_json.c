/*
 * The form for programs, and for drawing and comparing later: everything that is known.
 */
#include <errno.h>
#include <jansson.h>

#include "report.h"

static json_t *machine_object(const struct machine *machine)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I}", "cpu", machine->cpu, "cores",
	                 (json_int_t)machine->cores, "hypervisor", machine->hypervisor, "governor",
	                 machine->governor, "kernel", machine->kernel, "compiler",
	                 machine->compiler, "library", machine->library, "memory",
	                 (json_int_t)machine->memory);
}

/* No figures, no keys. */
static void set_spread(json_t *object, const struct stats_spread *spread)
{
	if (!spread->n)
		return;
	json_object_set_new(object, "median", json_real(spread->median));
	json_object_set_new(object, "low", json_real(spread->low));
	json_object_set_new(object, "high", json_real(spread->high));
	json_object_set_new(object, "interval", json_pack("[f, f]", spread->from, spread->to));
}

static void set_spread_as(json_t *object, const char *key, const struct stats_spread *spread)
{
	json_t *inner = json_object();

	set_spread(inner, spread);
	json_object_set_new(object, key, inner);
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* One entry per run, none if one failed: the first metric, whose medians stand beside it. */
static json_t *runs_array(const struct report *report, const struct report_row *row,
                          json_t *foreign)
{
	json_t *runs = json_array();

	for (size_t round = 0; round < report->rounds; round++) {
		const struct bench_result *result = &row->results[round];

		if (row->outcome != BENCH_CHECKED || result->outcome != BENCH_CHECKED)
			continue;
		json_array_append_new(runs, json_real(result->metric[0]));
		json_array_append_new(foreign, json_real(result->foreign));
	}
	return runs;
}

static void set_metrics(json_t *object, const struct report *report, const struct report_row *row)
{
	const struct bench_metric *metrics = report->workload->metrics;
	json_t *foreign = json_array(), *spreads = json_object();

	json_object_set_new(object, "metric", json_string(metrics[0].key));
	json_object_set_new(object, "runs", runs_array(report, row, foreign));
	json_object_set_new(object, "foreign", foreign);
	set_spread(object, &row->metric[0]);
	if (row->ratio.n)
		set_spread_as(object, "ratio", &row->ratio);
	for (size_t i = 1; row->outcome == BENCH_CHECKED && metrics[i].key; i++) {
		if (!row->metric[i].n)
			continue;
		json_object_set_new(object, metrics[i].key, json_real(row->metric[i].median));
		set_spread_as(spreads, metrics[i].key, &row->metric[i]);
	}
	json_object_set_new(object, "spreads", spreads);
}

/* The shares stand once, at the top. */
static json_t *distribution_object(const struct distribution *distribution)
{
	json_t *object = json_object(), *ns = json_array();

	for (size_t i = 0; i < DISTRIBUTION_POINTS; i++)
		json_array_append_new(ns, json_integer((json_int_t)distribution->ns[i]));
	set_number(object, "n", distribution->n);
	json_object_set_new(object, "ns", ns);
	return object;
}

static void set_parameter(json_t *object, const struct report_row *row,
                          enum bench_parameter parameter)
{
	const struct bench_parameter_info *info = &bench_parameters[parameter];
	uint64_t value = point_get(&row->point, parameter);

	if (info->kind == BENCH_WORD)
		json_object_set_new(object, info->key, json_string(point_word(value)));
	else
		set_number(object, info->key, value);
}

/* The parts of the second metric, each divided among the calls that caused it. */
static json_t *parts_array(const struct report *report, const struct report_row *row)
{
	const char *const *shares = report->workload->shares;
	json_t *parts = json_array();

	for (size_t i = 0; i < BENCH_PARTS && *row->parts[i].name; i++) {
		json_t *part = json_object();

		json_object_set_new(part, "name", json_string(row->parts[i].name));
		for (size_t j = 0; j < BENCH_SHARES && shares[j]; j++)
			json_object_set_new(part, shares[j], json_real(row->parts[i].share[j]));
		json_array_append_new(parts, part);
	}
	return parts;
}

static json_t *row_object(const struct report *report, const struct report_row *row)
{
	json_t *object = json_object();
	char lacks[160];

	json_object_set_new(object, "queue", json_string(row->queue->name));
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (report->workload->uses & 1u << p)
			set_parameter(object, row, p);
	json_object_set_new(object, "checked", json_boolean(row->outcome == BENCH_CHECKED));
	if (row->outcome != BENCH_CHECKED) {
		json_object_set_new(object, "outcome", json_string(report_outcome(row->outcome)));
		json_object_set_new(object, "why", json_string(row->why));
	}
	json_object_set_new(object, "lacks",
	                    json_string(report_lacks(row->queue, lacks, sizeof(lacks))));
	if (row->queue->note)
		json_object_set_new(object, "note", json_string(row->queue->note));
	set_number(object, "disturbed", row->disturbed);
	set_metrics(object, report, row);
	if (row->parts)
		json_object_set_new(object, report->workload->parts_key, parts_array(report, row));
	if (row->distribution.n)
		json_object_set_new(object, "distribution",
		                    distribution_object(&row->distribution));
	return object;
}

static json_t *shares_array(void)
{
	json_t *shares = json_array();

	for (size_t i = 0; i < DISTRIBUTION_POINTS; i++)
		json_array_append_new(shares, json_real(distribution_share(i)));
	return shares;
}

static json_t *varying_array(unsigned varying)
{
	json_t *keys = json_array();

	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (varying & 1u << p)
			json_array_append_new(keys, json_string(bench_parameters[p].key));
	return keys;
}

static json_t *less_is_better_array(const struct bench_metric *metrics)
{
	json_t *keys = json_array();

	for (const struct bench_metric *metric = metrics; metric->key; metric++)
		if (metric->better == BENCH_LESS)
			json_array_append_new(keys, json_string(metric->key));
	return keys;
}

int report_json(FILE *out, const struct report *report)
{
	json_t *root = json_object(), *rows = json_array();

	json_object_set_new(root, "workload", json_string(report->workload->name));
	json_object_set_new(root, "method", json_string(report->workload->method));
	json_object_set_new(root, "machine", machine_object(report->machine));
	json_object_set_new(root, "pin", json_string(report->pin));
	set_number(root, "seed", report->seed);
	set_number(root, "rounds", report->rounds);
	json_object_set_new(root, "baseline", json_string(bench_mutex.name));
	json_object_set_new(root, "varying", varying_array(report->varying));
	json_object_set_new(root, "less_is_better",
	                    less_is_better_array(report->workload->metrics));
	if (report->workload->durations)
		json_object_set_new(root, "distribution_share", shares_array());
	for (size_t i = 0; i < report->row_count; i++)
		json_array_append_new(rows, row_object(report, &report->rows[i]));
	json_object_set_new(root, "results", rows);
	int failed = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	fputc('\n', out);
	json_decref(root);
	return failed ? -EIO : 0;
}
