/*
 * A program that uses a queue between threads only, but is linked with the library for processes,
 * too: see apart_test.
 */
#include <pthread.h>
#include <spmcq.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONSUMERS = 3, ITEMS = 10000 };

static void *consume(void *q)
{
	uintptr_t sum = 0;
	uint32_t item;

	while (spmcq_get(q, &item) == 0) {
		sum += item;
		spmcq_task_done(q);
	}
	return (void *)sum;
}

int main(void)
{
	struct spmcq *q;
	pthread_t threads[CONSUMERS];
	uintptr_t all = 0;

	if (spmcq_create(&q, 100, sizeof(uint32_t), NULL) != 0)
		return EXIT_FAILURE;
	for (int i = 0; i < CONSUMERS; i++)
		if (pthread_create(&threads[i], NULL, consume, q) != 0)
			return EXIT_FAILURE;
	for (uint32_t i = 0; i < ITEMS; i++)
		if (spmcq_put(q, &i) != 0)
			return EXIT_FAILURE;
	if (spmcq_join(q) != 0 || spmcq_shutdown(q) != 0)
		return EXIT_FAILURE;
	for (int i = 0; i < CONSUMERS; i++) {
		void *sum;

		pthread_join(threads[i], &sum);
		all += (uintptr_t)sum;
	}
	printf("%llu\n", (unsigned long long)all);
	return spmcq_destroy(q) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
