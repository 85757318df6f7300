# shellcheck shell=sh
# The frame of the shell tests: each property is one line of TAP. Source it, then use property,
# skip and finish. A scratch directory is in $scratch until the test ends.

tap_ran=0
tap_failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# property NAME COMMAND...: the property holds if the command succeeds; else its output is shown.
property() {
	tap_name=$1
	shift
	tap_ran=$((tap_ran + 1))
	if "$@" >"$scratch/output" 2>&1; then
		echo "ok $tap_ran - $tap_name"
	else
		tap_failed=$((tap_failed + 1))
		sed 's/^/# /' "$scratch/output" | tail -n 40
		echo "not ok $tap_ran - $tap_name"
	fi
}

# skip NAME REASON: the property cannot be tried here.
skip() {
	tap_ran=$((tap_ran + 1))
	echo "ok $tap_ran - $1 # SKIP $2"
}

finish() {
	echo "1..$tap_ran"
	[ "$tap_failed" -eq 0 ]
	exit
}
