/*
 * Counting in the mixed radix of the lists' lengths.
 */
#include "sweep.h"

size_t sweep_points(const struct options *options)
{
	size_t points = 1;

	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		points *= options->lists[p].n;
	return points;
}

struct bench_point sweep_point(const struct options *options, size_t i)
{
	struct bench_point point;

	for (unsigned p = BENCH_PARAMETERS; p-- > 0;) {
		const struct options_list *list = &options->lists[p];

		point_set(&point, p, list->value[i % list->n]);
		i /= list->n;
	}
	return point;
}

unsigned sweep_varying(const struct options *options)
{
	unsigned varying = 0;

	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++) {
		const struct options_list *list = &options->lists[p];
		uint64_t usual = point_get(&options->workload->defaults, p);

		if (list->n > 1 || list->value[0] != usual)
			varying |= 1u << p;
	}
	return varying;
}
