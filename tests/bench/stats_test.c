/*
 * The arithmetic of the bench, on numbers whose answers are known.
 */
#include <math.h>

#include "measure/stats.h"
#include "support/check.h"

static void is(double want, double got)
{
	CHECK(fabs(want - got) < 1e-9, "%.12g, not %.12g", got, want);
}

static void the_median_is_the_middle_one_or_between_the_middle_two(void)
{
	is(0, stats_median(NULL, 0));
	is(7, stats_median((double[]){7}, 1));
	is(2, stats_median((double[]){3, 1, 2}, 3));
	is(2.5, stats_median((double[]){4, 1, 3, 2}, 4));
}

static void an_interval_holds_the_median_and_lies_within_the_values(void)
{
	double values[] = {5, 9, 1, 7, 3, 8, 2, 6, 4};
	struct stats_spread spread = stats_spread(values, 9, 1);

	COUNTS(9, spread.n);
	is(5, spread.median);
	is(1, spread.low);
	is(9, spread.high);
	CHECK(spread.from >= 1 && spread.from < 5, "from %g", spread.from);
	CHECK(spread.to > 5 && spread.to <= 9, "to %g", spread.to);
	is(spread.from, stats_spread(values, 9, 1).from);
}

static void values_that_are_all_the_same_have_no_spread(void)
{
	struct stats_spread spread = stats_spread((double[]){3, 3, 3, 3}, 4, 1);

	is(3, spread.from);
	is(3, spread.to);
}

static void a_ratio_is_of_pairs(void)
{
	struct stats_spread spread =
	        stats_ratio((double[]){10, 200, 3000}, (double[]){5, 100, 1500}, 3, 1);

	is(2, spread.low);
	is(2, spread.high);
	COUNTS(2, stats_ratio((double[]){1, 1, 1}, (double[]){1, 0, 1}, 3, 1).n);
}

/* The values of the paper's own example: of ten users, so many get the same and the rest nothing.
 */
static void fairness_is_the_share_of_those_who_share_alike(void)
{
	for (size_t served = 1; served <= 10; served++) {
		double shares[10] = {0};

		for (size_t i = 0; i < served; i++)
			shares[i] = 1000;
		is((double)served / 10, stats_jain(shares, 10));
	}
}

static void fairness_of_known_shares(void)
{
	is(1, stats_jain((double[]){5}, 1));
	is(1, stats_jain((double[]){0, 0, 0}, 3));
	is(36.0 / 42, stats_jain((double[]){1, 2, 3}, 3)); /* 6^2 / (3 x 14) */
	is(stats_jain((double[]){1, 2, 3}, 3), stats_jain((double[]){100, 300, 200}, 3));
}

int main(void)
{
	RUN(the_median_is_the_middle_one_or_between_the_middle_two);
	RUN(an_interval_holds_the_median_and_lies_within_the_values);
	RUN(values_that_are_all_the_same_have_no_spread);
	RUN(a_ratio_is_of_pairs);
	RUN(fairness_is_the_share_of_those_who_share_alike);
	RUN(fairness_of_known_shares);
	return check_finish();
}
