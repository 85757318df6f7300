/*
 * The other direction of report_json.c. A file that lacks a field, or has one of another type, is
 * refused; an unknown queue or parameter is not.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "saved.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "unknown";
}

static uint64_t number_of(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	return number > 0 ? (uint64_t)number : 0;
}

/* A word that this machine knows nothing of is a word all the same. */
static uint64_t parameter_of(const json_t *object, enum bench_parameter parameter)
{
	const struct bench_parameter_info *info = &bench_parameters[parameter];
	uint64_t word = 0;

	if (info->kind != BENCH_WORD)
		return number_of(object, info->key);
	return point_parse(text_of(object, info->key), parameter, &word) == 0 ? word : 0;
}

static void read_machine(struct machine *machine, const json_t *object)
{
	const struct {
		const char *key;
		char *text;
		size_t size;
	} texts[] = {
	        {"cpu", machine->cpu, sizeof(machine->cpu)},
	        {"hypervisor", machine->hypervisor, sizeof(machine->hypervisor)},
	        {"governor", machine->governor, sizeof(machine->governor)},
	        {"kernel", machine->kernel, sizeof(machine->kernel)},
	        {"compiler", machine->compiler, sizeof(machine->compiler)},
	        {"library", machine->library, sizeof(machine->library)},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		snprintf(texts[i].text, texts[i].size, "%s", text_of(object, texts[i].key));
	machine->cores = number_of(object, "cores");
	machine->memory = number_of(object, "memory");
}

static struct stats_spread read_spread(const json_t *object, size_t n)
{
	const json_t *interval = json_object_get(object, "interval");

	return (struct stats_spread){
	        .n = json_is_number(json_object_get(object, "median")) ? n : 0,
	        .median = json_number_value(json_object_get(object, "median")),
	        .low = json_number_value(json_object_get(object, "low")),
	        .high = json_number_value(json_object_get(object, "high")),
	        .from = json_number_value(json_array_get(interval, 0)),
	        .to = json_number_value(json_array_get(interval, 1)),
	};
}

static void read_metrics(struct report_row *row, const json_t *object,
                         const struct bench_metric *metrics)
{
	size_t n = json_array_size(json_object_get(object, "runs"));
	const json_t *spreads = json_object_get(object, "spreads");

	row->metric[0] = read_spread(object, n);
	for (size_t i = 1; metrics[i].key; i++)
		row->metric[i] = read_spread(json_object_get(spreads, metrics[i].key), n);
	row->ratio = read_spread(json_object_get(object, "ratio"), n);
}

static void read_distribution(struct distribution *distribution, const json_t *object)
{
	const json_t *ns = json_object_get(object, "ns");

	if (json_array_size(ns) != DISTRIBUTION_POINTS)
		return; /* no distribution, or that of another version */
	distribution->n = number_of(object, "n");
	for (size_t i = 0; i < DISTRIBUTION_POINTS; i++)
		distribution->ns[i] = (uint64_t)json_integer_value(json_array_get(ns, i));
}

static enum bench_outcome read_outcome(const json_t *object)
{
	const char *outcome = text_of(object, "outcome");

	if (json_is_true(json_object_get(object, "checked")))
		return BENCH_CHECKED;
	for (enum bench_outcome known = BENCH_VOID; known <= BENCH_STOPPED; known++)
		if (strcmp(report_outcome(known), outcome) == 0)
			return known;
	return BENCH_NOT_RUN;
}

static int read_queue(struct saved *saved, size_t i, const char *name)
{
	saved->rows[i].queue = bench_queue_named(name);
	if (saved->rows[i].queue)
		return 0;
	for (size_t other = 0; other < i; other++)
		if (strcmp(saved->rows[other].queue->name, name) == 0) {
			saved->rows[i].queue = saved->rows[other].queue;
			return 0;
		}
	saved->texts[i][0] = strdup(name);
	saved->queues[i] = (struct bench_queue){.name = saved->texts[i][0], .can = ~0u};
	saved->queues[i].can &= ~(unsigned)BENCH_YARDSTICK;
	saved->rows[i].queue = &saved->queues[i];
	return saved->texts[i][0] ? 0 : -ENOMEM;
}

static int read_row(struct saved *saved, size_t i, const json_t *object)
{
	const json_t *name = json_object_get(object, "queue");
	const struct bench_workload *workload = saved->report.workload;
	struct report_row *row = &saved->rows[i];

	if (!json_is_string(name) || !json_is_array(json_object_get(object, "runs")))
		return -EINVAL;
	if (read_queue(saved, i, json_string_value(name)) != 0)
		return -ENOMEM;
	row->point = workload->defaults;
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (workload->uses & 1u << p)
			point_set(&row->point, p, parameter_of(object, p));
	row->outcome = read_outcome(object);
	row->disturbed = number_of(object, "disturbed");
	if (row->outcome != BENCH_CHECKED) { /* figures it may have are of an older version */
		row->why = saved->texts[i][1] = strdup(text_of(object, "why"));
		return 0;
	}
	read_metrics(row, object, workload->metrics);
	read_distribution(&row->distribution, json_object_get(object, "distribution"));
	return 0;
}

static bool has_text(const json_t *array, const char *text)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *own = json_string_value(json_array_get(array, i));

		if (own && strcmp(own, text) == 0)
			return true;
	}
	return false;
}

static unsigned read_varying(const json_t *keys)
{
	unsigned varying = 0;

	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (has_text(keys, bench_parameters[p].key))
			varying |= 1u << p;
	return varying;
}

static int read_rows(struct saved *saved, const json_t *results)
{
	size_t n = json_array_size(results);

	saved->rows = calloc(n, sizeof(*saved->rows));
	saved->queues = calloc(n, sizeof(*saved->queues));
	saved->texts = calloc(n, sizeof(*saved->texts));
	if (!saved->rows || !saved->queues || !saved->texts)
		return -ENOMEM;
	saved->report.rows = saved->rows;
	saved->report.row_count = n;
	for (size_t i = 0; i < n; i++) {
		int error = read_row(saved, i, json_array_get(results, i));
		if (error)
			return error;
	}
	return 0;
}

static int read_report(struct saved *saved, const json_t *root)
{
	const json_t *results = json_object_get(root, "results");
	struct report *report = &saved->report;

	report->workload = bench_workload_named(text_of(root, "workload"));
	if (!report->workload || !report->workload->axis || json_array_size(results) == 0)
		return -EINVAL;
	read_machine(&saved->machine, json_object_get(root, "machine"));
	snprintf(saved->pin, sizeof(saved->pin), "%s", text_of(root, "pin"));
	report->machine = &saved->machine;
	report->pin = saved->pin;
	report->seed = number_of(root, "seed");
	report->rounds = number_of(root, "rounds");
	report->varying = read_varying(json_object_get(root, "varying"));
	return read_rows(saved, results);
}

int saved_read(struct saved *saved, const char *file, char *why, size_t size)
{
	json_error_t wrong;
	json_t *root = json_load_file(file, 0, &wrong);

	memset(saved, 0, sizeof(*saved));
	if (!root) {
		if (wrong.line < 0)
			snprintf(why, size, "%s: %s", file, strerror(errno));
		else
			snprintf(why, size, "%s, line %d: %s", file, wrong.line, wrong.text);
		return -1;
	}
	int error = read_report(saved, root);
	json_decref(root);
	if (!error)
		return 0;
	saved_free(saved);
	snprintf(why, size, "%s: %s", file,
	         error == -ENOMEM ? "no memory" : "not what --format json writes");
	return -1;
}

void saved_free(struct saved *saved)
{
	for (size_t i = 0; saved->texts && i < saved->report.row_count; i++) {
		free(saved->texts[i][0]);
		free(saved->texts[i][1]);
	}
	free(saved->texts);
	free(saved->queues);
	free(saved->rows);
}
