#!/bin/sh
# Install the clients that the external tests use: those of Node into tests/external/node_modules, those of Python
# into environments of their own below tests/external/.venv. Without npm the former are skipped, and the reason
# is said; where CI=true that is a failure.
set -eu
cd "${0%/*}"

for client in agents fastmcp langchain langgraph; do
    there=.venv/$client
    mkdir -p .venv
    cat "$client.txt" ../../pyproject.toml >".venv/$client.wanted" # one of them installs the package itself
    if ! cmp -s ".venv/$client.wanted" "$there/installed.txt"; then
        rm -rf "$there"
        "${PYTHON:-python3}" -m venv "$there"
        "$there/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$client.txt"
        cp ".venv/$client.wanted" "$there/installed.txt"
    fi
done

if ! command -v chromium >/dev/null 2>&1 && ! command -v google-chrome >/dev/null 2>&1; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
    else
        echo "Chromium is not installed: the page is not tested in a browser" >&2
        [ "${CI:-}" != true ]
    fi
fi

if ! command -v pg_ctl >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
    else
        echo "PostgreSQL is not installed: replicas are not tested" >&2
        [ "${CI:-}" != true ]
    fi
fi

# The proxy before replicas, and shells whose completion is tested; no service is started.
for program in nginx zsh fish; do
    if ! PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null 2>&1; then
        if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
            DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$program" >/dev/null
        else
            echo "$program is not installed: what needs it is not tested" >&2
        fi
    fi
done

if ! command -v npm >/dev/null 2>&1; then
    echo "npm is not installed: the inspector, the TypeScript client and the conformance suite are not run" >&2
    [ "${CI:-}" != true ]
    exit
fi
if [ -f node_modules/.package-lock.json ] && [ node_modules/.package-lock.json -nt package-lock.json ]; then
    exit 0
fi
npm ci --no-audit --no-fund --loglevel=error
node_modules/.bin/node --version >/dev/null
