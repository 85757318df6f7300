/*
 * See flow.h.
 */
#include "flow.h"

#include "support/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BULK_MOST = 1024, REPORT_SECONDS = 30 };

static size_t ledger_size(size_t items)
{
	return sizeof(struct ledger) + items * sizeof(struct fate);
}

int flow_try_begin(struct flow *flow)
{
	if (!flow->ledger) {
		snprintf(flow->path, sizeof(flow->path), "%.140s/ledger",
		         scratch_directory("flow"));
		flow->ledger = shared_memory(flow->path, ledger_size(flow->items));
	}
	return spmcq_remote_open(&flow->q, flow->url, flow->name, flow->capacity, sizeof(uint64_t),
	                         &flow->options);
}

void flow_begin(struct flow *flow)
{
	RETURNS(0, flow_try_begin(flow));
}

pid_t flow_consumer(const struct flow *flow)
{
	char items[24], capacity[24], bulk[24], wait[24];

	snprintf(items, sizeof(items), "%zu", flow->items);
	snprintf(capacity, sizeof(capacity), "%zu", flow->capacity);
	snprintf(bulk, sizeof(bulk), "%zu", flow->bulk);
	snprintf(wait, sizeof(wait), "%u", flow->options.answer_ms);
	return peer_start(flow_role.name, flow->url, flow->name, flow->path, items, capacity, bulk,
	                  wait, NULL);
}

void flow_put(struct flow *flow, uint64_t from, uint64_t to)
{
	uint64_t items[BULK_MOST];

	while (from < to) {
		size_t n = to - from < flow->bulk ? (size_t)(to - from) : flow->bulk;
		ssize_t placed;

		for (size_t i = 0; i < n; i++)
			items[i] = from + i;
		placed = spmcq_remote_put_many(flow->q, items, n);
		CHECK(placed > 0, "put of %llu: %s", (unsigned long long)from,
		      spmcq_remote_reason());
		from += (uint64_t)placed;
	}
}

void flow_check_joined(const struct flow *flow)
{
	const struct ledger *ledger = flow->ledger;

	for (size_t i = 0; i < flow->items; i++) {
		CHECK(ledger->fate[i].got > 0, "item %zu was lost", i);
		CHECK(ledger->fate[i].reporting > 0, "item %zu is done, and nobody did it", i);
	}
}

void flow_check(const struct flow *flow, size_t unwritten)
{
	const struct ledger *ledger = flow->ledger;
	size_t unsure = 0;

	CHECK(ledger->error == 0, "a consumer stopped: %s", strerror(-ledger->error));
	COUNTS(0, ledger->lost);
	for (size_t i = 0; i < flow->items; i++) {
		const struct fate *fate = &ledger->fate[i];

		CHECK(fate->again == 0, "item %zu came again %u times after its report", i,
		      fate->again);
		CHECK(fate->done <= 1 || fate->straddled > 0, "item %zu was reported %u times", i,
		      fate->done);
		unsure += fate->done == 0;
	}
	CHECK(unsure <= unwritten, "%zu items were finished by a report without an answer", unsure);
}

void flow_end(struct flow *flow)
{
	RETURNS(0, spmcq_remote_close(flow->q));
}

/* Returns how many items are whole. */
static void note_got(struct ledger *ledger, size_t items, const uint64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (numbers[i] >= items) {
			ledger->lost++;
			continue;
		}
		struct fate *fate = &ledger->fate[numbers[i]];

		if (fate->done > 0 && fate->straddled == 0)
			fate->again++;
		fate->got++;
	}
}

/* What was not noted is still held, and reported again for as long as a server may take. */
static int report_some(struct spmcq_remote *q, size_t n)
{
	double until = seconds_now() + REPORT_SECONDS;
	int error;

	while ((error = spmcq_remote_task_done_many(q, n)) == -ENOTCONN && seconds_now() < until)
		n = (size_t)spmcq_remote_held(q);
	return error;
}

static int report(struct spmcq_remote *q, struct ledger *ledger, const uint64_t *numbers, size_t n)
{
	unsigned epoch = ledger->epoch;
	double since = seconds_now();
	int error;

	for (size_t i = 0; i < n; i++)
		ledger->fate[numbers[i]].reporting++;
	error = report_some(q, n);
	for (size_t i = 0; i < n && error == 0; i++) {
		ledger->fate[numbers[i]].straddled +=
		        ledger->epoch != epoch || seconds_now() - since > 1;
		ledger->fate[numbers[i]].done++;
	}
	ledger->done += error == 0 ? n : 0;
	return error;
}

/* Consumes until the queue is shut down. */
static int consume(int argc, char **argv)
{
	size_t items = argc == 7 ? strtoul(argv[3], NULL, 10) : 0;
	size_t bulk = strtoul(argv[5], NULL, 10);
	struct spmcq_remote_options options = {.answer_ms = (unsigned)strtoul(argv[6], NULL, 10),
	                                       .allow_plain_text_to_other_machines = true};
	struct ledger *ledger = shared_memory(argv[2], ledger_size(items));
	uint64_t numbers[BULK_MOST];
	struct spmcq_remote *q;
	int error;

	error = spmcq_remote_open(&q, argv[0], argv[1], strtoul(argv[4], NULL, 10),
	                          sizeof(uint64_t), &options);
	while (error == 0) {
		ssize_t n = bulk == 1 ? spmcq_remote_get(q, numbers)
		                      : spmcq_remote_get_many(q, numbers, bulk);

		n = n == 0 ? 1 : n;
		error = n < 0 ? (int)n : 0;
		if (error)
			break;
		note_got(ledger, items, numbers, (size_t)n);
		error = report(q, ledger, numbers, (size_t)n);
	}
	if (error == -ESHUTDOWN)
		error = spmcq_remote_close(q);
	else
		fprintf(stderr, "# consumer: %s\n", spmcq_remote_reason());
	if (error)
		ledger->error = error;
	return error != 0;
}

const struct peer_role flow_role = {"consume", consume};
