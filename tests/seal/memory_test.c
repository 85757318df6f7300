/*
 * Keys in memory: where they are, where they are not, and when they are gone.
 */
#define _GNU_SOURCE
#include "sealing.h"
#include "search.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t page;

/* Runs it in a child. Returns the status that waitpid() gives. */
static int status_of(void (*run)(void *), void *arg)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0, "no child: %d", errno);
	if (child == 0) {
		run(arg);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child, "the child is not there");
	return status;
}

/* The pieces of a key that are secret: the secret itself, and for XChaCha the key that is made of
 * it. The round keys of AES begin with the secret. */
struct secrets {
	struct needle needle[4];
	size_t n;
};

/* The test copies secrets only through this buffer, which the search leaves out. */
static unsigned char passing[SPMCQ_KEY_EXPORTED];

/* In a child, as it leaves parts of the secret on the stack and in registers. */
static void note_secrets(void *arg)
{
	struct secrets *secrets = arg;
	unsigned char made[32];

	secrets->n = passing[AT_ALGORITHM] == SPMCQ_AEGIS128L ? 1 : 2;
	secrets->needle[0] = needle_of(passing + AT_SECRET);
	secrets->needle[1] = needle_of(passing + AT_SECRET + NEEDLE);
	if (passing[AT_ALGORITHM] == SPMCQ_XCHACHA20POLY1305) {
		secrets->n = 4;
		crypto_core_hchacha20(made, passing + AT_NONCE, passing + AT_SECRET, NULL);
		secrets->needle[2] = needle_of(made);
		secrets->needle[3] = needle_of(made + NEEDLE);
	}
}

/* In memory that is shared with children. */
static struct secrets *new_secrets(void)
{
	void *secrets = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(secrets != MAP_FAILED, "no shared memory");
	return secrets;
}

static void secrets_of(const struct spmcq_key *key, struct secrets *secrets)
{
	RETURNS(0, spmcq_key_export(key, passing, sizeof(passing)));
	RETURNS(0, status_of(note_secrets, secrets));
	spmcq_wipe(passing, sizeof(passing));
}

static void use(const struct spmcq_key *key)
{
	static unsigned char items[5000], sealed[5000 + SPMCQ_TAG_MOST];
	static const size_t sizes[] = {1, 100, 1000, 5000};

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		ssize_t size = spmcq_seal_items(key, i, items, sizes[i], 1, sealed, sizeof(sealed));

		CHECK(size > 0, "sealing returned %zd", size);
		RETURNS((ssize_t)sizes[i],
		        spmcq_open_items(key, i, sealed, (size_t)size, items, sizes[i], 1));
		RETURNS(-EBADMSG,
		        spmcq_open_items(key, i + 1, sealed, (size_t)size, items, sizes[i], 1));
	}
}

static void expect_found(const struct secrets *secrets, const struct spmcq_key *key, bool alive)
{
	for (size_t i = 0; i < secrets->n; i++) {
		struct found found = needle_in_memory(&secrets->needle[i], (uintptr_t)key,
		                                      (uintptr_t)key + page);

		check_doing("piece %zu of the key, %s", i, alive ? "alive" : "freed");
		CHECK(found.outside == 0, "found %zu times elsewhere", found.outside);
		CHECK((found.inside > 0) == alive, "found %zu times in its page", found.inside);
	}
}

static void in_one_place(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = key_of(algorithm), *copy;
	struct secrets *secrets = new_secrets();

	secrets_of(key, secrets);
	use(key);
	expect_found(secrets, key, true);
	RETURNS(0, spmcq_key_export(key, passing, sizeof(passing)));
	spmcq_key_destroy(key);
	RETURNS(0, spmcq_key_import(&copy, passing, sizeof(passing)));
	use(copy);
	expect_found(secrets, copy, true);
	spmcq_key_destroy(copy);
	expect_found(secrets, copy, false);
}

static void a_key_is_in_its_page_alone_and_gone_when_freed(void)
{
	if (CHECK_SANITIZED)
		check_skip("sanitizers have too much memory to look through");
	with_each_algorithm(in_one_place);
}

/* Else the search above would prove nothing. */
static void a_secret_that_lies_about_is_found(void)
{
	static unsigned char here[NEEDLE];
	unsigned char on_the_stack[NEEDLE];
	struct needle needle;
	struct found found;

	if (CHECK_SANITIZED)
		check_skip("sanitizers have too much memory to look through");
	randombytes_buf(here, sizeof(here));
	memcpy(on_the_stack, here, sizeof(here));
	__asm__ volatile("" : : "r"(on_the_stack) : "memory");
	needle = needle_of(here);
	found = needle_in_memory(&needle, 0, 0);
	CHECK(found.outside >= 2, "found %zu times", found.outside);
}

/* Sets what the kernel says of the mapping that the key is in. */
static void mapping_of(const struct spmcq_key *key, char permissions[5], char flags[400])
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[400];
	bool is_inside = false, is_found = false;

	if (!smaps)
		check_skip("there is no /proc/self/smaps");
	while (fgets(line, sizeof(line), smaps)) {
		uint64_t begin, end;
		char permitted[5];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &begin, &end, permitted) == 3) {
			is_inside = begin <= (uintptr_t)key && (uintptr_t)key < end;
			if (is_inside)
				memcpy(permissions, permitted, 5);
		}
		if (is_inside && strncmp(line, "VmFlags:", 8) == 0) {
			memcpy(flags, line + 8, strlen(line + 8) + 1);
			is_found = true;
		}
	}
	fclose(smaps);
	CHECK(is_found, "no mapping has the key");
}

static void a_key_is_locked_read_only_and_kept_out_of_dumps_and_children(void)
{
	/* Calls to lock memory do nothing under sanitizers. */
	static const char *const wanted[] = {" dd ", " wf ", CHECK_SANITIZED ? " " : " lo "};
	struct spmcq_key *key = key_of(SPMCQ_ALGORITHM_AUTO);
	char permissions[5], flags[400];

	mapping_of(key, permissions, flags);
	CHECK(strcmp(permissions, "r--p") == 0, "its pages are %s", permissions);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		CHECK(strstr(flags, wanted[i]), "no%sin%s", wanted[i], flags);
	spmcq_key_destroy(key);
}

/* Sanitizers handle the signal. */
static void write_to(void *at)
{
	signal(SIGSEGV, SIG_DFL);
	(void)prctl(PR_SET_DUMPABLE, 0);
	*(volatile unsigned char *)at = 1;
}

static void expect_refused_write(unsigned char *at, const char *what)
{
	int status = status_of(write_to, at);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "%s was written to", what);
}

static void a_write_on_or_beside_a_key_ends_the_process(void)
{
	struct spmcq_key *key = key_of(SPMCQ_ALGORITHM_AUTO);
	unsigned char *first = (unsigned char *)key;

	expect_refused_write(first, "the key");
	expect_refused_write(first + page, "the page behind the key");
	expect_refused_write(first - 2 * page, "the page before its pages");
	use(key);
	spmcq_key_destroy(key);
}

struct left_behind {
	struct spmcq_key *key;
	struct secrets *secrets;
};

static void be_a_child(void *arg)
{
	struct left_behind *left = arg;
	unsigned char bytes[SPMCQ_KEY_EXPORTED];

	RETURNS(-EPERM, spmcq_seal_items(left->key, 1, bytes, 1, 8, bytes, sizeof(bytes)));
	RETURNS(-EPERM, spmcq_open_items(left->key, 1, bytes, 24, bytes, 1, 8));
	RETURNS(-EPERM, spmcq_sealed_size(left->key, 1, 8));
	RETURNS(-EPERM, spmcq_key_export(left->key, bytes, sizeof(bytes)));
	RETURNS(-EPERM, spmcq_key_algorithm(left->key));
	RETURNS(-EPERM, spmcq_key_queue(left->key, bytes));
	for (size_t i = 0; i < left->secrets->n && !CHECK_SANITIZED; i++) {
		struct found found = needle_in_memory(&left->secrets->needle[i], 0, 0);

		CHECK(found.inside + found.outside == 0, "the child has the key");
	}
	spmcq_key_destroy(left->key);
	left->key = key_of(SPMCQ_ALGORITHM_AUTO);
	use(left->key);
	spmcq_key_destroy(left->key);
}

static void a_forked_child_has_no_key_and_is_told(void)
{
	struct left_behind left = {.key = key_of(SPMCQ_XCHACHA20POLY1305)};

	left.secrets = new_secrets();
	secrets_of(left.key, left.secrets);
	RETURNS(0, status_of(be_a_child, &left));
	use(left.key);
	spmcq_key_destroy(left.key);
}

/* The limit does not bind root. */
static void limit_locked_memory(size_t bytes)
{
	struct rlimit limit = {bytes, bytes};

	RETURNS(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	if (geteuid() == 0)
		RETURNS(0, setresuid(65534, 65534, 65534));
}

static void where_memory_cannot_be_locked_a_key_is_refused(void)
{
	static char untouched;
	struct spmcq_key *key = key_of(SPMCQ_ALGORITHM_AUTO);
	struct exported exported = export_of(key), before = exported;

	if (CHECK_SANITIZED)
		check_skip("calls to lock memory do nothing under sanitizers");
	spmcq_key_destroy(key);
	limit_locked_memory(0);
	key = (struct spmcq_key *)(void *)&untouched;
	RETURNS(-EPERM, spmcq_key_create(&key, SPMCQ_ALGORITHM_AUTO));
	RETURNS(-EPERM, spmcq_key_import(&key, exported.bytes, sizeof(exported.bytes)));
	CHECK((void *)key == &untouched, "a refused call changed the pointer");
	CHECK(memcmp(exported.bytes, before.bytes, sizeof(before.bytes)) == 0,
	      "a refused import changed the bytes");
}

/* The memory that a refused key and a freed key had locked is free again. */
static void two_pages_are_enough_for_a_key_again_and_again(void)
{
	struct spmcq_key *key, *second;

	if (CHECK_SANITIZED)
		check_skip("calls to lock memory do nothing under sanitizers");
	limit_locked_memory(2 * page);
	for (size_t i = 0; i < 100; i++) {
		RETURNS(0, spmcq_key_create(&key, SPMCQ_ALGORITHM_AUTO));
		RETURNS(-EPERM, spmcq_key_create(&second, SPMCQ_ALGORITHM_AUTO));
		spmcq_key_destroy(key);
	}
}

/* Where the kernel writes a core dump of a process whose directory that is; NULL if elsewhere. */
static const char *core_file(const char *directory, char path[400])
{
	DIR *files = opendir(directory);
	struct dirent *file;
	bool is_found = false;

	CHECK(files, "no directory %s", directory);
	while ((file = readdir(files)))
		if (strncmp(file->d_name, "core", 4) == 0) {
			snprintf(path, 400, "%s/%s", directory, file->d_name);
			is_found = true;
		}
	closedir(files);
	return is_found ? path : NULL;
}

struct victim {
	const char *directory;
	enum spmcq_algorithm algorithm;
	unsigned char marker[NEEDLE]; /* lies about in memory */
	struct secrets *secrets;      /* of its key, for the parent */
};

static void die_with_a_key(void *arg)
{
	struct victim *victim = arg;
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	struct spmcq_key *key = key_of(victim->algorithm);

	secrets_of(key, victim->secrets);
	RETURNS(0, chdir(victim->directory));
	(void)setrlimit(RLIMIT_CORE, &limit);
	signal(SIGABRT, SIG_DFL);
	use(key);
	abort();
}

/* How often the marker is in a dump, or -1 if there is none, and all pieces of the key. */
static long look_through_dump(struct victim *victim, long *pieces)
{
	struct needle marker = needle_of(victim->marker);
	char path[400];
	long markers;

	if (!core_file(victim->directory, path))
		return -1;
	markers = needle_in_file(&marker, path);
	for (size_t i = 0; i < victim->secrets->n; i++)
		*pieces += needle_in_file(&victim->secrets->needle[i], path);
	unlink(path);
	return markers;
}

static void dump_with(enum spmcq_algorithm algorithm)
{
	char directory[] = "/tmp/spmcq-core-XXXXXX";
	struct victim victim = {
	        .directory = directory, .algorithm = algorithm, .secrets = new_secrets()};
	long markers, pieces = 0;

	CHECK(mkdtemp(directory), "no directory: %d", errno);
	randombytes_buf(victim.marker, sizeof(victim.marker));
	(void)status_of(die_with_a_key, &victim);
	markers = look_through_dump(&victim, &pieces);
	rmdir(directory);
	if (markers < 0)
		check_skip("core dumps go elsewhere here");
	CHECK(victim.secrets->n > 0, "the pieces of the key are not known");
	CHECK(markers > 0, "the dump has none of the memory");
	CHECK(pieces == 0, "the dump has %ld pieces of the key", pieces);
}

static void a_core_dump_has_the_memory_but_not_the_key(void)
{
	if (CHECK_SANITIZED)
		check_skip("sanitizers make no core dumps");
	with_each_algorithm(dump_with);
}

int main(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	RUN(a_secret_that_lies_about_is_found);
	RUN(a_key_is_in_its_page_alone_and_gone_when_freed);
	RUN(a_key_is_locked_read_only_and_kept_out_of_dumps_and_children);
	RUN(a_write_on_or_beside_a_key_ends_the_process);
	RUN(a_forked_child_has_no_key_and_is_told);
	RUN(where_memory_cannot_be_locked_a_key_is_refused);
	RUN(two_pages_are_enough_for_a_key_again_and_again);
	RUN(a_core_dump_has_the_memory_but_not_the_key);
	return check_finish();
}
