/*
 * Numbers all combinations of the values in the lists. The number is read as digits, one for each
 * list: each digit is an index into its list.
 */
#include "plan.h"

size_t plan_points(const struct plan *plan)
{
	size_t points = 1;

	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		points *= plan->lists[p].n;
	return points;
}

struct bench_point plan_point(const struct plan *plan, size_t i)
{
	struct bench_point point;

	for (unsigned p = BENCH_PARAMETERS; p-- > 0;) {
		const struct plan_list *list = &plan->lists[p];

		point_set(&point, p, list->value[i % list->n]);
		i /= list->n;
	}
	return point;
}

unsigned plan_varying(const struct plan *plan)
{
	unsigned varying = 0;

	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++) {
		const struct plan_list *list = &plan->lists[p];
		uint64_t usual = point_get(&plan->workload->defaults, p);

		if (list->n > 1 || list->value[0] != usual)
			varying |= 1u << p;
	}
	return varying;
}
