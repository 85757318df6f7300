/*
 * The end of a model client: main() for its CASES. A model checker explores the one that MODEL_CASE
 * names; otherwise each case is a property, repeated for an eighth of the time of a stress test.
 */
#ifdef MODEL_CHECKED

int main(void)
{
	MODEL_CASE();
	return 0;
}

#else

#include <stdio.h>

static void model_repeat(void (*once)(void))
{
	uint64_t end = stress_end_of(8);

	chance_seed();
	while (!stress_is_over(end)) {
		memset(model_threads, 0, sizeof(model_threads));
		model_started = 0;
		model_lazy = model_patient = false;
		model_awake = 1;
		model_going = false;
		model_repetitions++;
		check_doing("repetition %llu", (unsigned long long)model_repetitions);
		once();
	}
	printf("# %llu repetitions\n", (unsigned long long)model_repetitions);
}

#define MODEL_REPEAT(once)                                                                         \
	static void once##_often(void)                                                             \
	{                                                                                          \
		model_repeat(once);                                                                \
	}
CASES(MODEL_REPEAT)

#define MODEL_RUN(once) check_run(#once, once##_often);

int main(void)
{
	CASES(MODEL_RUN)
	return check_finish();
}

#endif
