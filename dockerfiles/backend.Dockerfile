# The backend: Python, its packages and our sources; no shell, no package manager. Context: backend/.
# What this Dockerfile has in common with mcp.Dockerfile is in the scripts that both run, in backend/image/.
ARG PYTHON_IMAGE=python:3.13-slim

# The Python runtime. The step is the same in both Dockerfiles, so both images begin with the same layer.
FROM ${PYTHON_IMAGE} AS runtime
RUN --mount=type=bind,source=image/install-runtime,target=/install-runtime \
    bash /install-runtime /runtime

FROM runtime AS packages
RUN --mount=type=bind,source=image/install-packages,target=/install-packages \
    --mount=type=bind,source=requirements-backend.lock,target=/requirements.lock \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=cache,target=/root/.cache/pip \
    bash /install-packages /requirements.lock /runtime /packages

FROM packages AS sources
COPY src /sources/app/src
RUN --mount=type=bind,source=image,target=/image \
    bash /image/finish-sources ai-todo-backend /sources /runtime /packages

# For people who need a shell, `docker build --target debug`: the same program on the whole base image.
FROM ${PYTHON_IMAGE} AS debug
ENV PYTHONPATH=/app/src:/app/packages \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PORT=8000
COPY --from=packages /packages/app /app
COPY --from=sources /sources /
USER 10001:10001
EXPOSE 8000
CMD ["python3", "-m", "todo_backend"]

FROM scratch
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
    org.opencontainers.image.title="ai-todo-backend" \
    org.opencontainers.image.description="AI Todo backend: tasks in PostgreSQL over HTTP, and an assistant" \
    org.opencontainers.image.vendor="AI Todo" \
    dev.dockyard.sbom="/usr/share/sbom/ai-todo-backend.cdx.json"
ENV PATH=/usr/local/bin \
    LANG=C.UTF-8 \
    PYTHONPATH=/app/src:/app/packages \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PORT=8000
COPY --from=runtime /runtime /
COPY --from=packages /packages /
COPY --from=sources /sources /
USER 10001:10001
EXPOSE 8000
# For `docker run`; Kubernetes has its own probes.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["python", "-IS", "/app/src/todo_service/healthcheck.py"]
CMD ["python", "-m", "todo_backend"]
