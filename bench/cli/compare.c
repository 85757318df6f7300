/*
 * spmcq-bench compare A.json B.json: what changed beyond noise.
 *
 * A figure has changed if the 95% intervals of its two medians do not touch. With five runs in each
 * report this happens by chance to one figure in a hundred.
 */
#include <string.h>

#include "command.h"
#include "report/cells.h"
#include "report/saved.h"

struct comparison {
	const struct report *a, *b;
	struct cells cells; /* a line a change */
	size_t line;
	size_t figures, unknown, better, worse;
	size_t fewest; /* runs of a figure that was compared */
};

/* Of the same queue at the same point; NULL: there is none. */
static const struct report_row *counterpart(const struct report *report,
                                            const struct report_row *row, unsigned parameters)
{
	for (size_t i = 0; i < report->row_count; i++) {
		const struct report_row *other = &report->rows[i];
		bool is_same = strcmp(other->queue->name, row->queue->name) == 0;

		for (enum bench_parameter p = 0; p < BENCH_PARAMETERS && is_same; p++)
			is_same = !(parameters & 1u << p) ||
			          point_get(&other->point, p) == point_get(&row->point, p);
		if (is_same)
			return other;
	}
	return NULL;
}

/* Returns the parameters in which two points must agree: all that the workload uses, but the number
 * of items only if the report varies it, because otherwise each queue has its own. */
static unsigned parameters_of(const struct report *report)
{
	return report->workload->uses &
	       ~(report->varying & 1u << BENCH_ITEMS ? 0 : 1u << BENCH_ITEMS);
}

static void add_point(struct comparison *c, const struct report_row *row)
{
	char text[40];

	cells_add(&c->cells, c->line, "%s", row->queue->name);
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++) {
		if (!report_is_swept(c->a, p))
			continue;
		point_print(text, sizeof(text), p, point_get(&row->point, p));
		cells_add(&c->cells, c->line, "%s", text);
	}
}

static void add_spread(struct comparison *c, const struct stats_spread *spread, double scale)
{
	int digits = cells_digits(spread->median / scale);

	cells_add(&c->cells, c->line, "%.*f", digits, spread->median / scale);
	cells_add(&c->cells, c->line, "(%.*f..%.*f)", digits, spread->from / scale, digits,
	          spread->to / scale);
}

static void add_change(struct comparison *c, const struct report_row *a, const struct report_row *b,
                       size_t metric, bool is_better)
{
	const struct bench_metric *info = &c->a->workload->metrics[metric];
	const struct stats_spread *from = &a->metric[metric], *to = &b->metric[metric];

	add_point(c, a);
	cells_add(&c->cells, c->line, "%s", info->title ? info->title : info->key);
	add_spread(c, from, info->scale);
	add_spread(c, to, info->scale);
	if (from->from > 0)
		cells_add(&c->cells, c->line, "%.*f", cells_digits(to->median / from->median),
		          to->median / from->median);
	else
		cells_add(&c->cells, c->line, "-");
	cells_add(&c->cells, c->line, "%s%s", is_better ? "better" : "worse",
	          a->disturbed || b->disturbed ? " *" : "");
	c->line++;
}

static void compare_rows(struct comparison *c, const struct report_row *a,
                         const struct report_row *b)
{
	for (size_t i = 0; c->a->workload->metrics[i].key; i++) {
		const struct stats_spread *first = &a->metric[i], *second = &b->metric[i];
		enum stats_change change = stats_change(first, second);
		bool is_less_better = c->a->workload->metrics[i].better == BENCH_LESS;
		bool is_better = (change == STATS_LESS) == is_less_better;

		c->figures++;
		if (change == STATS_UNKNOWN) {
			c->unknown++;
			continue;
		}
		c->fewest = first->n < c->fewest ? first->n : c->fewest;
		c->fewest = second->n < c->fewest ? second->n : c->fewest;
		if (change == STATS_SAME)
			continue;
		c->better += is_better;
		c->worse += !is_better;
		add_change(c, a, b, i, is_better);
	}
}

static void compare_all(struct comparison *c)
{
	unsigned parameters = parameters_of(c->a) & parameters_of(c->b);
	size_t only_a = 0, only_b = 0;

	for (size_t i = 0; i < c->a->row_count; i++) {
		const struct report_row *a = &c->a->rows[i];
		const struct report_row *b = counterpart(c->b, a, parameters);

		only_a += !b;
		if (b && a->outcome != b->outcome)
			printf("%s, checked: A %s, B %s\n", a->queue->name,
			       report_outcome(a->outcome), report_outcome(b->outcome));
		if (b)
			compare_rows(c, a, b);
	}
	for (size_t i = 0; i < c->b->row_count; i++)
		only_b += !counterpart(c->a, &c->b->rows[i], parameters);
	if (only_a || only_b)
		printf("Without a counterpart: %zu rows of A, %zu of B\n", only_a, only_b);
}

static void write_side(const char *side, const struct report *report)
{
	printf("%s: ", side);
	report_machine(stdout, report);
	printf("; %zu run%s, pin %s, seed %llu\n", report->rounds, report->rounds == 1 ? "" : "s",
	       report->pin, (unsigned long long)report->seed);
}

static void write_heading(const struct comparison *c)
{
	const struct machine *a = c->a->machine, *b = c->b->machine;

	printf("%s\n", c->a->workload->name);
	write_side("A", c->a);
	write_side("B", c->b);
	if (strcmp(a->cpu, b->cpu) != 0 || a->cores != b->cores ||
	    strcmp(a->kernel, b->kernel) != 0 || strcmp(c->a->pin, c->b->pin) != 0)
		printf("Not the same machine, kernel or pinning: changes may be theirs.\n");
	putchar('\n');
}

static void write_sum(const struct comparison *c)
{
	size_t same = c->figures - c->unknown - c->better - c->worse;

	if (c->line > 1) {
		cells_write(stdout, &c->cells);
		putchar('\n');
	}
	printf("%zu figure%s: %zu better, %zu worse, %zu the same within noise", c->figures,
	       c->figures == 1 ? "" : "s", c->better, c->worse, same);
	if (c->unknown)
		printf(", %zu of fewer than %d runs, which tell nothing", c->unknown, STATS_FEWEST);
	printf("\n");
	if (c->better + c->worse > 0 && c->fewest < 5)
		printf("With so few runs one figure in ten seems to have changed by chance; with 5 "
		       "it is one in a hundred.\n");
}

static void fill_heading(struct comparison *c)
{
	cells_add(&c->cells, 0, "queue");
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (report_is_swept(c->a, p))
			cells_add(&c->cells, 0, "%s", bench_parameters[p].name);
	cells_add(&c->cells, 0, "figure");
	for (size_t column = 0; column < c->cells.columns; column++)
		c->cells.is_key[column] = true;
	cells_add(&c->cells, 0, "A");
	cells_add(&c->cells, 0, "(95%%)");
	cells_add(&c->cells, 0, "B");
	cells_add(&c->cells, 0, "(95%%)");
	cells_add(&c->cells, 0, "B/A");
	cells_add(&c->cells, 0, "change");
	c->line = 1;
}

static int compare(const struct report *a, const struct report *b)
{
	struct comparison c = {.a = a, .b = b, .fewest = STATS_MOST};

	if (cells_create(&c.cells, 1 + a->row_count * BENCH_METRICS) != 0) {
		fprintf(stderr, "spmcq-bench: no memory\n");
		return 1;
	}
	fill_heading(&c);
	write_heading(&c);
	compare_all(&c);
	c.cells.lines = c.line;
	write_sum(&c);
	cells_destroy(&c.cells);
	return 0;
}

int compare_main(int argc, const char **argv)
{
	struct saved a, b;
	char why[400];
	int status = 2;

	if (argc != 4) {
		fprintf(stderr, "spmcq-bench: usage: spmcq-bench compare A.json B.json\n");
		return 2;
	}
	if (saved_read(&a, argv[2], why, sizeof(why)) != 0) {
		fprintf(stderr, "spmcq-bench: %s\n", why);
		return 2;
	}
	if (saved_read(&b, argv[3], why, sizeof(why)) != 0) {
		fprintf(stderr, "spmcq-bench: %s\n", why);
		saved_free(&a);
		return 2;
	}
	if (a.report.workload == b.report.workload)
		status = compare(&a.report, &b.report);
	else
		fprintf(stderr, "spmcq-bench: %s is of %s, %s of %s\n", argv[2],
		        a.report.workload->name, argv[3], b.report.workload->name);
	saved_free(&a);
	saved_free(&b);
	return status;
}
