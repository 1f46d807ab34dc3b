#!/bin/sh
# Renew the locks from pyproject.toml. Versions stay unless pyproject.toml moves them;
# for newer ones: sh scripts/lock.sh --upgrade
set -eu
cd "$(dirname "$0")/.."

lock() {
	file=$1
	shift
	uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header \
		--extra second-engine --extra workflow "$@" --output-file "$file"
	{
		echo "# Locked from pyproject.toml by \`make lock\` (needs uv): Linux and macOS,"
		echo "# Python 3.11 and newer, every file with its hash. Do not edit."
		cat "$file"
	} >"$file.part"
	mv "$file.part" "$file"
}

lock requirements.lock "$@"
# The second lock holds the first, with identical versions.
lock requirements-dev.lock --group dev --constraints requirements.lock "$@"
