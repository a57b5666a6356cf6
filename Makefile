# Every target installs what it needs into .venv and works the second time in seconds.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Each file in one of two processes: what the tests of a file share is started once.
SPREAD := -n 2 --dist loadfile
export OMP_WAIT_POLICY = PASSIVE

.PHONY: demo test test-all check bench soak bench-gpu gallery learn bundle clean

demo: .venv/.core ## edit a real photograph and show the turns
	@mkdir -p out && rm -f out/demo.jpg
	@$(BIN)/thinkedit edit examples/photos/china.jpg "brighten it by 1 stop and make it more vibrant" -o out/demo.jpg

test: .venv/.dev ## the core's tests; no torch, no network
	$(BIN)/python -m pytest $(SPREAD) -m "not slow and not external and not models and not gpu"

test-all: .venv/.dev .venv/.models .venv/.external ## everything, with the programs it needs
	THINKEDIT_TEST_MODELS=1 $(BIN)/python -m pytest $(SPREAD)

check: .venv/.dev ## format, lint, types, structure
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev ## what docs/performance.md records
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

soak: .venv/.dev ## a server under steady work for a quarter of an hour: nothing may grow
	$(BIN)/python benchmarks/soak

bench-gpu: .venv/.models ## real model sizes beside bare libraries; one line where there is no GPU
	$(BIN)/python benchmarks/gpu

gallery: .venv/.dev ## make docs/gallery.md and its pictures again
	$(BIN)/python scripts/gallery.py

learn: .venv/.models ## train a tiny thinker in the proving ground and measure it; SEEDS=3 writes docs/learning.md
	$(BIN)/python scripts/learn --seeds $(or $(SEEDS),1) $(if $(SEEDS),--page)

bundle: .venv/.dev ## dist/thinkedit-VERSION.mcpb, which hosts install with one click
	$(BIN)/python scripts/bundle.py

clean:
	rm -rf .venv out build dist

.venv/.venv:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@touch $@

.venv/.core: .venv/.venv pyproject.toml
	$(PIP) --editable .
	@touch $@

.venv/.dev: .venv/.core
	$(PIP) --editable ".[mcp,postgres]" --group dev
	@touch $@

.venv/.models: .venv/.dev
	$(PIP) --editable ".[mcp,local,chat,openai]" --group models
	@touch $@

.venv/.external: pyproject.toml tests/external/install.sh tests/external/package-lock.json $(wildcard tests/external/*.txt)
	bash tests/external/install.sh
	@touch $@
