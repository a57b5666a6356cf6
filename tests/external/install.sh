#!/bin/sh
# Install the clients that the external tests use, into tests/external/node_modules. Without npm they are
# skipped, and the reason is said; where CI=true that is a failure.
set -eu
cd "${0%/*}"
if ! command -v npm >/dev/null 2>&1; then
    echo "npm is not installed: the inspector and the TypeScript client are not tested" >&2
    [ "${CI:-}" != true ]
    exit
fi
if [ -f node_modules/.package-lock.json ] && [ node_modules/.package-lock.json -nt package-lock.json ]; then
    exit 0
fi
npm ci --no-audit --no-fund --loglevel=error
node_modules/.bin/node --version >/dev/null
