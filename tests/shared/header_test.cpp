/*
 * The header compiles without any other header, as C++11, and a program that uses it links.
 */
#include <spmcq_shared.h>

#include <cstdio>

int main()
{
	spmcq_shared_options options = {};
	spmcq *q = nullptr;
	int item = 5;
	bool good = spmcq_shared_create(&q, 2, sizeof(item), &options) == 0 &&
	            spmcq_put(q, &item) == 0 && spmcq_get(q, &item) == 0 &&
	            spmcq_task_done(q) == 0 && spmcq_join(q) == 0 && spmcq_destroy(q) == 0 &&
	            item == 5;

	std::printf("%sok 1 - the_header_is_enough_in_cpp11\n1..1\n", good ? "" : "not ");
	return good ? 0 : 1;
}
