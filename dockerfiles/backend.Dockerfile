# The backend on nothing but Python: no shell, no package manager. Context: backend/.
ARG PYTHON_IMAGE=python:3.13-slim

# The interpreter, what a service uses of its library, and the shared libraries of both, below /rootfs. This stage is the
# same to the letter in backend.Dockerfile and mcp.Dockerfile, so that both images begin with one and the same layer.
# Left out: tests, installers, screens, file databases. Byte code is compared with nothing, since an image does not change;
# times are zero, so that equal files make equal layers.
FROM ${PYTHON_IMAGE} AS runtime
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN library="$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"; \
    program="$(readlink -f "$(command -v python3)")"; \
    mkdir -p /rootfs/etc /rootfs/usr/local/bin; \
    mkdir -m 1777 /rootfs/tmp; \
    cp -a --parents "$program" "$library" -t /rootfs; \
    cp -rL --parents /etc/ssl/certs/ca-certificates.crt /usr/share/zoneinfo/{Etc,GMT,UTC} -t /rootfs; \
    ln -sf "$program" /rootfs/usr/local/bin/python; \
    rm -rf "/rootfs$library"/{config-*,test,ensurepip,venv,idlelib,tkinter,turtledemo,pydoc*,unittest,_pyrepl} \
        "/rootfs$library"/{site-packages,sitecustomize.py,curses,dbm,sqlite3} \
        "/rootfs$library"/lib-dynload/{*test*,_xx*,xx*,_tkinter*,_curses*,readline*,_dbm*,_gdbm*,_sqlite3*}; \
    find "/rootfs$library" -name __pycache__ -prune -exec rm -rf {} +; \
    python3 -m compileall -q -j0 --invalidation-mode unchecked-hash -s /rootfs -p / "/rootfs$library"; \
    find "/rootfs$library" -name '*.so' -exec ldd "$program" {} + | sed -nE 's/^\t(.* => )?(\/[^ ]+) .*/\2/p' | sort -u \
        | xargs cp -L --parents -t /rootfs; \
    printf 'root:x:0:0::/:/none\napp:x:10001:10001::/tmp:/none\n' >/rootfs/etc/passwd; \
    printf 'root:x:0:\napp:x:10001:\n' >/rootfs/etc/group; \
    printf 'hosts: files dns\n' >/rootfs/etc/nsswitch.conf; \
    find /rootfs -exec touch -hd @0 {} +

# The packages that the lock file names, in a folder of their own, with the shared libraries that only they need. Left
# out: their commands, tests, and sources of what is compiled.
FROM runtime AS packages
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /out
COPY requirements.lock /
RUN --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    pip install -q --disable-pip-version-check --root-user-action=ignore --no-compile --no-deps --require-hashes \
        --target /out/app/packages -r /requirements.lock; \
    rm -rf app/packages/bin; \
    find app \( -type d -name tests -o -name '*.py[ix]' -o -name '*.[ch]' -o -name '*.[ch]pp' \) -prune -exec rm -rf {} +; \
    find app -name '*.so' -exec ldd {} + | sed -nE 's/^\t.* => (\/[^ ]+) .*/\1/p' | grep -v '^/out/' | sort -u \
        | while read -r file; do [ -e "/rootfs$file" ] || cp -L --parents "$file" -t /out; done; \
    python3 -m compileall -q -j0 --invalidation-mode unchecked-hash -s /out -p / /out/app; \
    find /out -exec touch -hd @0 {} +

# Our own sources, compiled like the packages, and the list of all that is in the image. Modes and times are made equal:
# they are whatever the checkout has.
FROM packages AS sources
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /own
COPY src app/src
RUN --mount=type=bind,source=scripts/sbom.py,target=/sbom.py \
    mkdir -p usr/share/sbom; \
    python3 /sbom.py ai-todo-backend /rootfs /out >usr/share/sbom/ai-todo-backend.cdx.json; \
    python3 -m compileall -q -j0 --invalidation-mode unchecked-hash -s /own -p / /own/app/src; \
    chmod -R u=rwX,go=rX /own; \
    find /own -exec touch -hd @0 {} +

# For people who need a shell: `docker build --target debug`, the same program on the whole base image.
FROM ${PYTHON_IMAGE} AS debug
ENV PYTHONPATH=/app/src:/app/packages \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=packages /out/app /app
COPY --from=sources /own /
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
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
COPY --from=runtime /rootfs /
COPY --from=packages /out /
COPY --from=sources /own /
USER 10001:10001
EXPOSE 8000
# Kubernetes asks by itself; this is for `docker run`.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["python", "-ISc", "import http.client as h; \
    c = h.HTTPConnection('127.0.0.1', 8000, timeout=2); c.request('GET', '/health'); \
    raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "-m", "todo_backend"]
