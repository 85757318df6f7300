/*
 * The list of forms, and the words they share.
 */
#include <string.h>

#include "report.h"

const struct report_format report_formats[] = {
        {"table", report_table},       {"csv", report_csv}, {"json", report_json},
        {"markdown", report_markdown}, {NULL, NULL},
};

const char *report_outcome(enum bench_outcome outcome)
{
	switch (outcome) {
	case BENCH_CHECKED:
		return "yes";
	case BENCH_VOID:
		return "VOID";
	case BENCH_STOPPED:
		return "did not finish";
	case BENCH_NOT_RUN:
		break;
	}
	return "not run";
}

const char *report_described(const struct report *report, char *text, size_t size)
{
	char one[300];
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < report->row_count && report->workload->describe; i++) {
		report->workload->describe(&report->rows[i].point, one, sizeof(one));
		if (!strstr(text, one) && used + strlen(one) + 3 < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "; " : "",
			                         one);
	}
	return text;
}

void report_machine(FILE *out, const struct report *report)
{
	const struct machine *machine = report->machine;
	char text[1000];

	if (*report_described(report, text, sizeof(text)))
		fprintf(out, "times of a %s; run on ", text);
	fprintf(out, "%s, %zu core%s, hypervisor %s, governor %s, %s, %s, %s", machine->cpu,
	        machine->cores, machine->cores == 1 ? "" : "s", machine->hypervisor,
	        machine->governor, machine->kernel, machine->compiler, machine->library);
}

bool report_is_swept(const struct report *report, enum bench_parameter parameter)
{
	unsigned bit = 1u << parameter;

	if (!(report->workload->uses & bit) ||
	    (parameter == BENCH_ITEMS && !(report->varying & bit)))
		return false;
	for (size_t i = 1; i < report->row_count; i++)
		if (point_get(&report->rows[i].point, parameter) !=
		    point_get(&report->rows[0].point, parameter))
			return true;
	return false;
}

const char *report_part(const struct bench_workload *workload, const struct bench_part *part,
                        char *text, size_t size)
{
	double all = 0;
	size_t n = 0;

	for (size_t i = 0; i < BENCH_SHARES; i++)
		all += part->share[i];
	size_t used = (size_t)snprintf(text, size, "%s %.2f (", part->name, all);
	for (size_t i = 0; i < BENCH_SHARES && workload->shares[i] && used < size; i++)
		if (part->share[i] >= 0.005)
			used += (size_t)snprintf(text + used, size - used, "%s%s %.2f",
			                         n++ ? ", " : "", workload->shares[i],
			                         part->share[i]);
	if (used < size)
		snprintf(text + used, size - used, ")");
	return text;
}

const char *report_lacks(const struct bench_queue *queue, char *text, size_t size)
{
	static const struct {
		unsigned can;
		const char *otherwise;
	} lacks[] = {
	        {BENCH_BLOCKING, "polls while it waits"},      {BENCH_BOUNDED, "is not bounded"},
	        {BENCH_BULK, "moves items one by one"},        {BENCH_FIFO, "promises no order"},
	        {BENCH_JOIN, "counts completion by a helper"},
	};
	size_t used = 0;

	*text = '\0';
	if (queue->can & BENCH_PROCESSES)
		used = (size_t)snprintf(text, size, "is between processes");
	if (queue->can & BENCH_YARDSTICK) {
		snprintf(text, size, "is no queue");
		return text;
	}
	for (size_t i = 0; i < sizeof(lacks) / sizeof(*lacks); i++)
		if (!(queue->can & lacks[i].can) && used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
			                         lacks[i].otherwise);
	return text;
}
