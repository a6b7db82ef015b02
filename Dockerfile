# One image for the three services and both sandboxes; the command chooses.
FROM python:3.11-slim AS requirements
COPY requirements.lock .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-compile \
       --require-hashes --requirement requirements.lock

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
    && install --directory --owner=app /archive /erasures
WORKDIR /app
COPY --from=requirements /opt/venv /opt/venv
COPY services services
COPY shared shared
COPY sandbox sandbox
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOG_FORMAT=json
USER app
