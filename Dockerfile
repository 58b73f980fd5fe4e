# One image for every role: docker build --tag slotwright . && docker run slotwright receive
# For a build that can be repeated, name the base by its digest: --build-arg PYTHON=python:3.11-slim-bookworm@sha256:…
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv --without-pip /opt/build && python -m venv --without-pip /opt/slotwright

# What seldom changes comes first. The environment that is shipped has no pip, and nothing in it was compiled here.
COPY requirements-build.lock requirements-image.lock ./
RUN python -m pip --python /opt/build/bin/python install --require-hashes --only-binary :all: -r requirements-build.lock \
 && python -m pip --python /opt/slotwright/bin/python install --require-hashes --only-binary :all: -r requirements-image.lock

COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY workers workers
COPY migrations migrations
COPY helm/rules helm/rules
RUN python -m pip --python /opt/build/bin/python wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && python -m pip --python /opt/slotwright/bin/python install --no-deps --no-index dist/*.whl

FROM ${PYTHON}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="slotwright" \
      org.opencontainers.image.description="Automation for HighLevel booking calendars: by rule, exactly once, and it can say why." \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
COPY --from=builder /opt/slotwright /opt/slotwright

# Nothing is written: no bytecode, no home. A container's loopback is nobody's, so the doors open to its network; the
# console still refuses to start there without CONSOLE_PASSWORD.
ENV PATH=/opt/slotwright/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    CONSOLE_HOST=0.0.0.0 \
    LOG_FORMAT=json
WORKDIR /
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM

# Asks the door that process 1 has; a role without one is healthy while it runs: a worker that cannot go on ends.
# Kubernetes has probes of its own and ignores this.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os; role = open('/proc/1/cmdline').read().split('\\0'); port = os.environ.get('PORT', '8080') if 'receive' in role else os.environ.get('CONSOLE_PORT', '8081') if 'console' in role else ''; door = port and http.client.HTTPConnection('127.0.0.1', int(port), timeout=3); door and door.request('GET', '/healthz'); raise SystemExit(bool(door) and door.getresponse().status != 200)"]

ENTRYPOINT ["slotwright"]
CMD ["--help"]
