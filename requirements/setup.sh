#!/usr/bin/env bash
# Makes .venv: the locked distributions, then our own packages in place. Called by `make setup`.
# A stamp in .venv holds what it was made from, so that a second call does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022 # the embedded PostgreSQL runs as another user when root starts it, and must be able to read its own files

fail() {
    echo "setup: $*" >&2
    exit 1
}

dependencies() { sha256sum <requirements/dev.txt; }
packages() { sha256sum {libs,services,deploy}/*/pyproject.toml; }
wanted_dependencies="$PWD $(dependencies)"
wanted_packages="$wanted_dependencies $(packages)"
stamped() { [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null && [ "$(cat ".venv/stamp-$1" 2>/dev/null)" = "$2" ]; }

if stamped packages "$wanted_packages"; then exit 0; fi

if command -v flock >/dev/null; then # one at a time; whoever waited finds it done
    exec 9<requirements/setup.sh
    flock 9
    if stamped packages "$wanted_packages"; then exit 0; fi
fi

if ! stamped dependencies "$wanted_dependencies"; then
    python="${PYTHON:-$(command -v python3.11 || command -v python3 || true)}"
    [ -n "$python" ] || fail "Python 3.11 was not found; install it, or name it: make setup PYTHON=/path/to/python3.11"
    version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)"
    [ "$version" = 3.11 ] || fail "$python is Python ${version:-unknown}, but 3.11 is needed; name one: make setup PYTHON=/path/to/python3.11"

    if ! { [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null && grep -qsF "$PWD" .venv/stamp-place; }; then
        rm -rf .venv
        "$python" -m venv .venv || fail "no virtual environment could be made in $PWD/.venv; is the venv module installed and the folder writable?"
        echo "$PWD" >.venv/stamp-place
    fi
    offline="the packages could not be fetched or did not match their hashes (see above). \
Installing needs the package registry; once .venv is complete no network is used any more."
    echo "setup: installing the locked packages into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt || fail "$offline"
    .venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes --compile-bytecode requirements/dev.txt || fail "$offline"
    echo "$wanted_dependencies" >.venv/stamp-dependencies
fi

editable=()
for file in {libs,services,deploy}/*/pyproject.toml; do editable+=(--editable "$(dirname "$file")"); done
.venv/bin/uv pip install --quiet --python .venv/bin/python --offline --no-deps --no-build-isolation "${editable[@]}" ||
    fail "our own packages could not be installed (see above)."
echo "$wanted_packages" >.venv/stamp-packages
