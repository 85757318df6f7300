/*
 * Reading callgrind's output.
 */
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "workloads/callgrind.h"

static void read_text(const char *text, struct callgrind_cost *costs, size_t n)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	CHECK(in, "fmemopen");
	callgrind_read(in, costs, n);
	fclose(in);
}

static void calls_of_a_function_are_added_up_whoever_makes_them(void)
{
	struct callgrind_cost costs[] = {{"get", 9, 9}, {"put", 9, 9}, {"join", 9, 9}};

	read_text("version: 1\nevents: Ir\n\nfn=main\n3 10\ncfn=put\ncalls=1000 3\n5 41000\n"
	          "cfi=other.c\ncfn=get\ncalls=10 0\n7 300\n8 2\n\nfn=other\n"
	          "cfn=put\ncalls=2 3\n6 80\n9 1\ncfn=get_many\ncalls=1 1\n7 55\n",
	          costs, 3);
	COUNTS(1002, costs[1].calls);
	COUNTS(41080, costs[1].instructions);
	COUNTS(10, costs[0].calls);
	COUNTS(300, costs[0].instructions);
	COUNTS(0, costs[2].calls);
	COUNTS(0, costs[2].instructions);
}

static void what_compilers_append_to_a_name_does_not_matter(void)
{
	struct callgrind_cost cost = {.function = "put"};

	read_text("fn=main\ncfn=put.isra.0\ncalls=3 1\n5 30\ncfn=put'2\ncalls=1 1\n5 9\n"
	          "cfn=put_many.part.1\ncalls=8 1\n5 80\n",
	          &cost, 1);
	COUNTS(4, cost.calls);
	COUNTS(39, cost.instructions);
}

static void an_output_that_ends_early_does_no_harm(void)
{
	struct callgrind_cost cost = {.function = "put"};

	read_text("fn=main\ncfn=put\ncalls=3 1\n", &cost, 1);
	COUNTS(0, cost.instructions);
	read_text("cfn=put\n", &cost, 1);
	COUNTS(0, cost.calls);
}

int main(void)
{
	RUN(calls_of_a_function_are_added_up_whoever_makes_them);
	RUN(what_compilers_append_to_a_name_does_not_matter);
	RUN(an_output_that_ends_early_does_no_harm);
	return check_finish();
}
