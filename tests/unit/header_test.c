/*
 * The header is enough by itself, in the strictest C11, and its calls link.
 */
#include <spmcq.h>

#include <stdio.h>

int main(void)
{
	struct spmcq_options options = {.unchecked_producer = false, .first_position = 0};
	struct spmcq_stats stats = {0};
	struct timespec deadline = spmcq_after(0);
	struct spmcq *q = NULL;
	int item = 5;
	bool good = spmcq_create(&q, 2, sizeof(item), &options) == 0 && spmcq_put(q, &item) == 0 &&
	            spmcq_get_until(q, &item, &deadline) == 0 && spmcq_task_done(q) == 0 &&
	            spmcq_join(q) == 0 && spmcq_stats(q, &stats) == 0 && stats.put == 1 &&
	            spmcq_destroy(q) == 0;

	printf("%sok 1 - the_header_is_enough_in_c11\n1..1\n", good ? "" : "not ");
	return good ? 0 : 1;
}
