#!/bin/sh
# Run a Python file with the first Python on this machine that fits: PYTHON when it is
# set, otherwise python3 or a python3.N. 3.14 and newer come last: a package of the lock
# has no wheel for them yet and is compiled, which needs a C compiler.
set -u

fits() { # fits COMMAND CONDITION-ON-v: does it run, and is its version right?
	"$1" -c "import sys; v = sys.version_info[:2]; sys.exit(not ($2))" >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
	fits "$PYTHON" "(3, 11) <= v" && exec "$PYTHON" "$@"
else
	for name in python3 python3.13 python3.12 python3.11; do
		fits "$name" "(3, 11) <= v < (3, 14)" && exec "$name" "$@"
	done
	for name in python3 python3.14; do
		fits "$name" "(3, 11) <= v" && exec "$name" "$@"
	done
fi

found=$("${PYTHON:-python3}" --version 2>&1 | tail -n 1)
{
	echo "trialstats needs Python 3.11 or newer, and there is none."
	echo "Looked for: ${PYTHON:-python3, python3.11 to python3.14}; found: ${found:-nothing}"
	echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name one:"
	echo "make report PYTHON=/path/to/python3.12"
} >&2
exit 1
