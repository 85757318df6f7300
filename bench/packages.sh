# Sourced by scripts that build. POSIX sh.
#
# need_packages PACKAGE...  sees to it that these Debian packages are installed, as root or with sudo.
# Sets packages_installed to yes when it did install any. Elsewhere than Debian and Ubuntu it names
# them and goes on: they may be there under other names.

packages_installed=no

packages_missing() {
	present=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^installed //p')
	for package; do
		printf '%s\n' "$present" | grep -qxF -e "$package" || printf '%s ' "$package"
	done
}

packages_as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

need_packages() {
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "Needed, by their names in Debian: $*" >&2
		return 0
	fi
	missing=$(packages_missing "$@")
	if [ -z "$missing" ]; then
		return 0
	fi
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
		echo "As root, please: apt-get install $missing" >&2
		return 1
	fi
	echo "Installing $missing" >&2
	packages_as_root apt-get -qq update >&2 || true
	# The names are words.
	# shellcheck disable=SC2086
	packages_as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y --no-install-recommends install $missing >&2 || return 1
	# shellcheck disable=SC2034
	packages_installed=yes
}
