/*
 * The histogram of the bench against the sorted values themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "measure/histogram.h"
#include "support/chance.h"
#include "support/check.h"

enum { VALUES = 20000 };

static uint64_t values[VALUES];

static int in_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Of every size up to an hour in nanoseconds. */
static struct histogram *random_histogram(size_t n)
{
	struct chance chance = chance_stream(chance_seed(), n);
	struct histogram *histogram = histogram_create(1);

	CHECK(histogram, "no memory");
	for (size_t i = 0; i < n; i++) {
		uint64_t limit = UINT64_C(1) << chance_below(&chance, HISTOGRAM_MOST_BITS + 1);

		values[i] = chance_below(&chance, limit);
		histogram_add(histogram, values[i]);
	}
	qsort(values, n, sizeof(*values), in_order);
	return histogram;
}

/* The exact one, or up to a thousandth more. */
static void is_about(double share, uint64_t got, uint64_t exact)
{
	CHECK(got >= exact, "share %g: %llu is less than %llu", share, (unsigned long long)got,
	      (unsigned long long)exact);
	CHECK(got - exact <= exact / 1000, "share %g: %llu is too far above %llu", share,
	      (unsigned long long)got, (unsigned long long)exact);
}

static void quantiles_are_those_of_the_sorted_values(void)
{
	static const size_t sizes[] = {1, 2, 3, 10, 999, 1000, VALUES};

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		struct histogram *histogram = random_histogram(sizes[s]);
		size_t n = sizes[s];

		check_doing("%zu values, seed %llu", n, (unsigned long long)chance_seed());
		for (size_t i = 1; i <= n; i++) {
			double share = (double)i / (double)n;

			is_about(share, histogram_quantile(histogram, share), values[i - 1]);
		}
		is_about(0, histogram_quantile(histogram, 0), values[0]);
		COUNTS(values[n - 1], histogram_quantile(histogram, 1));
		free(histogram);
	}
}

static void small_values_are_exact(void)
{
	struct histogram *histogram = histogram_create(1);

	for (uint64_t value = 0; value < 2 * HISTOGRAM_HALF; value++)
		histogram_add(histogram, value);
	for (uint64_t value = 0; value < 2 * HISTOGRAM_HALF; value++)
		COUNTS(value,
		       histogram_quantile(histogram, ((double)value + 1) / (2.0 * HISTOGRAM_HALF)));
	free(histogram);
}

static void every_value_has_its_place(void)
{
	COUNTS(0, histogram_index(0));
	COUNTS(2047, histogram_index(2047));
	COUNTS(2048, histogram_index(2048));
	COUNTS(2048, histogram_index(2049));
	COUNTS(2049, histogram_index(2050));
	COUNTS(HISTOGRAM_COUNTS - 1, histogram_index((UINT64_C(1) << HISTOGRAM_MOST_BITS) - 1));
	for (unsigned bit = 0; bit < HISTOGRAM_MOST_BITS; bit++) {
		uint64_t value = UINT64_C(1) << bit;

		CHECK(histogram_index(value) == histogram_index(value - 1) + 1,
		      "counts are left out below 2^%u", bit);
	}
}

static void values_that_are_too_large_are_counted_with_the_largest(void)
{
	struct histogram *histogram = histogram_create(1);

	histogram_add(histogram, UINT64_MAX);
	histogram_add(histogram, 5);
	COUNTS(2, histogram->n);
	COUNTS(5, histogram_quantile(histogram, 0.5));
	COUNTS(UINT64_MAX, histogram_quantile(histogram, 1));
	free(histogram);
}

static void an_empty_one_has_only_zeroes(void)
{
	struct histogram *histogram = histogram_create(1);
	struct distribution distribution;

	COUNTS(0, histogram_quantile(histogram, 0.5));
	histogram_distribution(histogram, &distribution);
	COUNTS(0, distribution.n);
	COUNTS(0, distribution.ns[DISTRIBUTION_POINTS - 1]);
	free(histogram);
}

static void merged_is_as_if_counted_together(void)
{
	struct histogram *all = random_histogram(VALUES), *two = histogram_create(2);

	for (size_t i = 0; i < VALUES; i++)
		histogram_add(&two[i % 2], values[i]);
	histogram_merge(&two[0], &two[1]);
	CHECK(memcmp(all, &two[0], sizeof(*all)) == 0, "they differ");
	free(two);
	free(all);
}

static void a_distribution_has_the_usual_percentiles_and_ends_with_the_largest(void)
{
	struct histogram *histogram = random_histogram(VALUES);
	struct distribution distribution;

	histogram_distribution(histogram, &distribution);
	COUNTS(VALUES, distribution.n);
	COUNTS(histogram_quantile(histogram, 0.9), distribution.ns[DISTRIBUTION_PER_DECADE]);
	COUNTS(histogram_quantile(histogram, 0.99), distribution.ns[2 * DISTRIBUTION_PER_DECADE]);
	COUNTS(histogram_quantile(histogram, 0.999), distribution.ns[3 * DISTRIBUTION_PER_DECADE]);
	COUNTS(values[VALUES - 1], distribution.ns[DISTRIBUTION_POINTS - 1]);
	is_about(0, distribution.ns[0], values[0]);
	for (size_t i = 1; i < DISTRIBUTION_POINTS; i++) {
		CHECK(distribution_share(i) > distribution_share(i - 1), "share %zu", i);
		CHECK(distribution.ns[i] >= distribution.ns[i - 1], "value %zu", i);
		COUNTS(histogram_quantile(histogram, distribution_share(i)), distribution.ns[i]);
	}
	free(histogram);
}

int main(void)
{
	RUN(quantiles_are_those_of_the_sorted_values);
	RUN(small_values_are_exact);
	RUN(every_value_has_its_place);
	RUN(values_that_are_too_large_are_counted_with_the_largest);
	RUN(an_empty_one_has_only_zeroes);
	RUN(merged_is_as_if_counted_together);
	RUN(a_distribution_has_the_usual_percentiles_and_ends_with_the_largest);
	return check_finish();
}
