# shellcheck shell=sh
# How a model checker, GenMC, runs the model clients. Source it with $source and $lib set: where the
# project and the library's sources are. GENMC, if not in PATH; SPMCQ_MODEL_SECONDS for a case (120).

genmc=${GENMC:-genmc}
tests=$source/tests

has_genmc() {
	command -v "$genmc" >/dev/null
}

# Every client there is. NAME-plain is NAME with the plain cursor.
all_clients() {
	for file in "$tests"/model/*.c; do
		client=${file##*/}
		echo "${client%.c}"
	done
	echo ring-plain
	echo room-plain
	echo shutdown-plain
}

# cases_of CLIENT. With the plain cursor those for leads are left out.
cases_of() {
	case $1 in *-plain) left_out='/^#ifdef SPMCQ_LEAD/,/^#else/d' ;; *) left_out= ;; esac
	sed -n -e "$left_out" -e 's/^	CASE(\([a-z_]*\)).*/\1/p' "$tests/model/${1%-plain}.c"
}

# defines_for CLIENT: what the compiler is to be told.
defines_for() {
	[ "${1%-plain}" = "$1" ] || echo -DMODEL_PLAIN
}

# explore CLIENT CASE MODEL: fails with 124 if it takes too long. Not to keep instructions between
# executions, as it would free the stack of a thread too early. Not to inline functions: their local
# variables would then be events, whether they are called or not, and double the time. Not to thread
# jumps of loops: without inlining it then fails on await_finish(). Not to take loops for waiting: it
# would leave out those that end a lead. Not to look for waiting elsewhere, which takes long. To
# explore nothing is a failure, too: 1. 42 is an error that GenMC found. What it warns of, writes
# without order, are the hints that anybody may store.
explore() {
	# shellcheck disable=SC2046
	said=$(timeout "${SPMCQ_MODEL_SECONDS:-120}" "$genmc" --disable-estimation \
		--disable-instruction-caching --disable-function-inliner --disable-spin-assume \
		--disable-loop-jump-threading --disable-load-annotation \
		--disable-warn-on-unfreed-memory --v1 "--$3" -- \
		-std=gnu11 -w -DMODEL_CHECKED -DMODEL_CASE="$2" $(defines_for "$1") \
		-I"$source/include" -I"$lib" -I"$tests" "$tests/model/${1%-plain}.c" 2>&1) || {
		status=$?
		echo "$said"
		[ "$status" -ne 124 ] || echo 'not through in time'
		return "$status"
	}
	echo "$said"
	echo "$said" | grep -q '^Number of complete executions explored: [1-9]'
}
