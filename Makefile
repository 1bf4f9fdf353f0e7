# make demo   continues a seed that ships and says where the result is
# make test   installs what the tests need and runs them
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif
PIP_FLAGS ?= -c constraints.txt

.PHONY: demo test lint clean

demo: $(VENV)/installed
	$(BIN)/melodia generate --seed corpora/examples/pop.mid --bars 16 --random-seed 7 --wav --picture -o demo/pop.mid

test: $(VENV)/tested
	$(BIN)/python -m pytest

lint: $(VENV)/linted
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -e .
	touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -e '.[test]'
	touch $@

$(VENV)/linted: $(VENV)/installed
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -e '.[lint]'
	touch $@

clean:
	rm -rf $(VENV) demo build dist
