/*
 * See flow.h.
 */
#include "flow.h"

#include "support/check.h"
#include "support/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BULK_MOST = 1024, REPORT_SECONDS = 8, OPEN_SECONDS = 30, DONE_SECONDS = 50 };

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
	char items[24], capacity[24], bulk[24], gets[24], packed[24], wait[24];

	snprintf(items, sizeof(items), "%zu", flow->items);
	snprintf(capacity, sizeof(capacity), "%zu", flow->capacity);
	snprintf(bulk, sizeof(bulk), "%zu", flow->bulk);
	snprintf(gets, sizeof(gets), "%zu", flow->gets ? flow->gets : flow->bulk);
	snprintf(packed, sizeof(packed), "%u", flow->options.items_per_message);
	snprintf(wait, sizeof(wait), "%u", flow->options.answer_ms);
	return peer_start(flow_role.name, flow->url, flow->name, flow->path, items, capacity, bulk,
	                  gets, packed, wait, NULL);
}

/* Each put ends at a multiple of bulk, also after one that put only some of its items. */
void flow_put(struct flow *flow, uint64_t from, uint64_t to)
{
	uint64_t items[BULK_MOST];

	while (from < to) {
		size_t n = flow->bulk - (size_t)(from % flow->bulk);
		ssize_t placed;

		if (n > to - from)
			n = (size_t)(to - from);
		for (size_t i = 0; i < n; i++)
			items[i] = from + i;
		placed = spmcq_remote_put_many(flow->q, items, n);
		CHECK(placed > 0, "put of %llu: %s", (unsigned long long)from,
		      spmcq_remote_reason());
		from += (uint64_t)placed;
	}
}

void flow_await_done(const struct flow *flow, uint64_t done)
{
	double until = seconds_now() + DONE_SECONDS;

	while (flow->ledger->done < done) {
		CHECK(flow->ledger->error == 0, "a consumer stopped: %d", flow->ledger->error);
		CHECK(seconds_now() < until, "%llu of %llu reported",
		      (unsigned long long)flow->ledger->done, (unsigned long long)done);
		sleep_ms(1);
	}
}

void flow_check_joined(const struct flow *flow)
{
	const struct ledger *ledger = flow->ledger;

	for (size_t i = 0; i < flow->items; i++) {
		CHECK(ledger->fate[i].got > 0, "item %zu was lost", i);
		CHECK(ledger->fate[i].reporting > 0,
		      "item %zu is finished, but no consumer reported it", i);
	}
}

void flow_check(const struct flow *flow, size_t unwritten)
{
	const struct ledger *ledger = flow->ledger;
	size_t unsure = 0, twice = 0;

	CHECK(ledger->error == 0, "a consumer stopped: %s", strerror(-ledger->error));
	COUNTS(0, ledger->lost);
	for (size_t i = 0; i < flow->items; i++) {
		const struct fate *fate = &ledger->fate[i];

		twice += (fate->again > 0 || fate->done > 1) && fate->straddled == 0;
		unsure += fate->done == 0;
	}
	CHECK(twice <= unwritten, "%zu items were reported twice", twice);
	CHECK(unsure <= unwritten, "%zu items were finished by a report without an answer", unsure);
}

void flow_end(struct flow *flow)
{
	RETURNS(0, spmcq_remote_close(flow->q));
}

/* Writes to the ledger that the items were got. Counts those with a number that was never put. */
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

/* Items whose report the server has not noted are still held. This reports them again, for as long
 * as a server may take to come back. */
static int report_some(struct spmcq_remote *q, size_t n)
{
	double until = seconds_now() + REPORT_SECONDS;
	int error;

	while ((error = spmcq_remote_task_done_many(q, n)) == -ENOTCONN && seconds_now() < until)
		n = (size_t)spmcq_remote_held(q);
	return error;
}

struct consumer {
	const char *url, *name;
	size_t items, capacity, bulk, gets, packed;
	struct spmcq_remote_options options;
	struct ledger *ledger;
	struct spmcq_remote *q;
	/* The consumer has got some items of a message and not the last. */
	bool is_amid;
	unsigned epoch; /* the ledger's epoch when the get of the oldest item began */
};

/* Returns how many items the message has up to this one. */
static size_t place_in_message(const struct consumer *me, uint64_t number)
{
	return number % me->bulk % me->packed + 1;
}

static bool ends_message(const struct consumer *me, uint64_t number)
{
	return place_in_message(me, number) == me->packed || (number + 1) % me->bulk == 0 ||
	       number + 1 == me->items;
}

/* The server has recorded the report of the message that ends with that item. */
static void note_done(struct consumer *me, uint64_t last, bool straddled)
{
	size_t n = place_in_message(me, last);

	for (uint64_t number = last + 1 - n; number <= last; number++) {
		me->ledger->fate[number].straddled += straddled;
		me->ledger->fate[number].done++;
	}
	me->ledger->done += n;
}

static int report(struct consumer *me, const uint64_t *numbers, size_t n)
{
	struct ledger *ledger = me->ledger;
	double since = seconds_now();
	int error;

	for (size_t i = 0; i < n; i++)
		ledger->fate[numbers[i]].reporting++;
	error = report_some(me->q, n);
	for (size_t i = 0; i < n && error == 0; i++)
		if (ends_message(me, numbers[i]))
			note_done(me, numbers[i],
			          ledger->epoch != me->epoch || seconds_now() - since > 1);
	me->is_amid = error == 0 && !ends_message(me, numbers[n - 1]);
	return error;
}

static int open_patiently(struct consumer *me)
{
	double until = seconds_now() + OPEN_SECONDS;
	int error;

	while ((error = spmcq_remote_open(&me->q, me->url, me->name, me->capacity, sizeof(uint64_t),
	                                  &me->options)) == -ENOTCONN &&
	       seconds_now() < until)
		;
	return error;
}

/* Gets and reports one run. If it cannot be reported, its items are left to be delivered again, and
 * the next run is got over a new connection, perhaps to another server. */
static int consume_run(struct consumer *me)
{
	uint64_t numbers[BULK_MOST];
	ssize_t n;
	int error;

	if (!me->is_amid)
		me->epoch = me->ledger->epoch;
	n = spmcq_remote_get_many(me->q, numbers, me->gets);
	if (n < 0)
		return (int)n;
	note_got(me->ledger, me->items, numbers, (size_t)n);
	error = report(me, numbers, (size_t)n);
	if (me->is_amid)
		sleep_ms(1); /* so that most are killed amid messages */
	if (error != -ENOTCONN)
		return error;
	(void)spmcq_remote_close(me->q);
	return open_patiently(me);
}

/* Consumes until the queue is shut down. */
static int consume(int argc, char **argv)
{
	struct consumer me = {.url = argv[0], .name = argv[1]};
	int error;

	if (argc != 9)
		return 2;
	me.items = strtoul(argv[3], NULL, 10);
	me.capacity = strtoul(argv[4], NULL, 10);
	me.bulk = strtoul(argv[5], NULL, 10);
	me.gets = strtoul(argv[6], NULL, 10);
	me.packed = strtoul(argv[7], NULL, 10);
	me.packed += me.packed == 0;
	me.options.answer_ms = (unsigned)strtoul(argv[8], NULL, 10);
	me.options.allow_plain_text_to_other_machines = true;
	me.ledger = shared_memory(argv[2], ledger_size(me.items));
	error = open_patiently(&me);
	while (error == 0)
		error = consume_run(&me);
	if (error == -ESHUTDOWN)
		error = spmcq_remote_close(me.q);
	else
		fprintf(stderr, "# consumer: %s\n", spmcq_remote_reason());
	if (error)
		me.ledger->error = error;
	return error != 0;
}

const struct peer_role flow_role = {"consume", consume};
