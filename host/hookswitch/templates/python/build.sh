#!/bin/sh
# Builds the plugin; the first time it makes an environment that has what the build needs.
set -e
cd "$(dirname "$0")"
if ! [ -x environment/bin/componentize-py ]; then
    python3 -m venv environment
    environment/bin/pip install --quiet --disable-pip-version-check componentize-py==0.25.1
fi
PYTHONPATH=sdk environment/bin/python -B -m hookswitch_build app.py --wit wit/0.1.0 -o {{name}}.wasm
