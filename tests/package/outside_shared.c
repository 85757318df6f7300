/*
 * A program outside the project: the queue between processes, by the process that puts and gets.
 */
#include <spmcq_shared.h>

#include <stdio.h>

int main(void)
{
	struct spmcq *q;
	int item = 42;

	if (spmcq_shared_create(&q, 10, sizeof(item), NULL) != 0 || spmcq_put(q, &item) != 0)
		return 1;
	item = 0;
	if (spmcq_get(q, &item) != 0 || spmcq_task_done(q) != 0 || spmcq_join(q) != 0)
		return 1;
	printf("%s %d\n", spmcq_version(), item);
	return spmcq_destroy(q);
}
