# What a newcomer types: `make demo`, then `make test`. Nothing outside this folder and its .venv is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
USER_STAMP := $(VENV)/.installed
DEV_STAMP  := $(VENV)/.installed-dev
PEERS      := $(VENV)/peers
ZOO        := $(VENV)/zoo
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test lint format check check-heavy fuzz gallery docs bench zoo giants clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+: .*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("netfig needs Python 3.11 or newer; say which: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(USER_STAMP): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing netfig and what it needs into $(VENV); PyTorch is large, this can take some minutes"
	$(BIN)/pip install --quiet -c constraints.txt -e .
	@$(BIN)/python -m compileall -q src/netfig  # as pip does for what it copies: netfig then starts in half the time
	@touch $@

# pip before 25.1 has no --group, so the list in pyproject.toml, its only home, is read out here.
$(DEV_STAMP): $(USER_STAMP)
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' > $(VENV)/dev.txt
	$(BIN)/pip install --quiet -c constraints.txt -r $(VENV)/dev.txt
	@touch $@

in_demo = -o demo/$(1).svg -o demo/$(1).png -o demo/$(1).pdf

demo: $(USER_STAMP) ## draw five figures as SVG, PNG and PDF into demo/
	@mkdir -p demo
	$(BIN)/netfig draw examples/recurrences/elman.rnn --steps 3 $(call in_demo,elman)
	$(BIN)/netfig draw cell:lstm --renderer cell $(call in_demo,lstm-cell)
	$(BIN)/netfig draw examples/lenet5.py:LeNet5 --input 1x32x32 $(call in_demo,lenet5)
	$(BIN)/netfig draw examples/cnn_64.layers --renderer pipeline --opt pipeline.style=volumes --opt pipeline.params=worked $(call in_demo,cnn-64)
	$(BIN)/netfig draw examples/transformer_encoder.py:encoder --input 16x64 $(call in_demo,transformer-encoder)
	@echo "The figures are in $(CURDIR)/demo:"
	@cd demo && ls *.svg *.png *.pdf | sed 's/^/  /'

test: $(DEV_STAMP) ## run the tests
	$(BIN)/python -m pytest -n 2 -m "not heavy" $(ARGS)

lint: $(DEV_STAMP) ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_STAMP) ## put the sources into the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint test ## everything a change must pass
	$(BIN)/netfig gallery check

check-heavy: $(DEV_STAMP) ## the sweeps too long for every run
	$(BIN)/python -m pytest -n 2 -m heavy $(ARGS)

fuzz: $(DEV_STAMP) ## 100,000 mutated programs of equations: a graph or a mistake with a place
	$(BIN)/python -m pytest -m heavy tests/equations/test_fuzz.py $(ARGS)

gallery: $(DEV_STAMP) ## draw every example again into gallery/
	$(BIN)/netfig gallery build

docs: $(DEV_STAMP) ## write the generated pages of docs/ again
	$(BIN)/python docs/generate.py

# An environment that also sees everything installed here: the tools measured against, and other people's models, have one each.
beside = $(BIN)/python -m venv $(1) && \
  $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"), "$(CURDIR)/src", sep="\n")' \
  > "$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/netfig.pth" && \
  $(1)/bin/pip install --quiet -c constraints.txt -r $(2)

$(PEERS)/.installed: benchmarks/requirements.txt $(DEV_STAMP)
	$(call beside,$(PEERS),benchmarks/requirements.txt)
	@touch $@

$(ZOO)/.installed: tools/zoo/requirements.txt $(DEV_STAMP)
	$(call beside,$(ZOO),tools/zoo/requirements.txt)
	@touch $@

bench: $(PEERS)/.installed ## measure; writes docs/benchmarks.md
	$(PEERS)/bin/python benchmarks/run.py

zoo: $(ZOO)/.installed ## draw and verify other people's models; writes docs/zoo.md; ARGS="--only timm" for some
	$(ZOO)/bin/python tools/zoo/run.py $(ARGS)

giants: $(ZOO)/.installed ## measure two models of 70 and 175 billion parameters
	$(ZOO)/bin/python benchmarks/giants.py

clean: ## remove what make and the tools put here
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
