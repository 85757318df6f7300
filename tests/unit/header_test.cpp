/*
 * The header is enough by itself, in C++11, and its calls link.
 */
#include <spmcq.h>

#include <cstdio>

int main()
{
	spmcq_options options = {};
	struct spmcq_stats stats;
	timespec deadline = spmcq_after(0);
	spmcq *q = nullptr;
	int item = 5;
	bool good = spmcq_create(&q, 2, sizeof(item), &options) == 0 && spmcq_put(q, &item) == 0 &&
	            spmcq_get_until(q, &item, &deadline) == 0 && spmcq_task_done(q) == 0 &&
	            spmcq_join(q) == 0 && spmcq_stats(q, &stats) == 0 && stats.put == 1 &&
	            spmcq_destroy(q) == 0;

	std::printf("%sok 1 - the_header_is_enough_in_cpp11\n1..1\n", good ? "" : "not ");
	return good ? 0 : 1;
}
