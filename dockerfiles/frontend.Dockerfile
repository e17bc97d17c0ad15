# The frontend: Node.js and the bundled page and server; no shell, no package manager. Context: frontend/.
ARG NODE_IMAGE=node:22-slim

# Node.js and the shared libraries that it needs, in /rootfs, and a list of the Debian packages that they belong to. Times
# are zero, so that equal files give an equal layer.
FROM ${NODE_IMAGE} AS runtime
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# hadolint ignore=SC2016
RUN --mount=type=bind,source=scripts/cut-symbols.mjs,target=/cut-symbols.mjs \
    program="$(readlink -f "$(command -v node)")"; \
    mkdir -p /rootfs/etc /rootfs/usr/local/bin; \
    mkdir -m 1777 /rootfs/tmp; \
    node /cut-symbols.mjs "$program" /rootfs/usr/local/bin/node; \
    ldd "$program" | sed -nE 's/^\t(.* => )?(\/[^ ]+) .*/\2/p' | tee /libraries | xargs cp -L --parents -t /rootfs; \
    sed 's/.*\//*\//' /libraries | xargs dpkg-query -S | sed '/^diversion/d; s/: .*//' | sort -u \
        | xargs dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n' >/libraries.tsv; \
    printf 'root:x:0:0::/:/none\napp:x:10001:10001::/tmp:/none\n' >/rootfs/etc/passwd; \
    printf 'root:x:0:\napp:x:10001:\n' >/rootfs/etc/group; \
    printf 'hosts: files dns\n' >/rootfs/etc/nsswitch.conf; \
    find /rootfs -exec touch -hd @0 {} +

# The bundles of page and server, and the bill of materials. Modes and times become equal, whatever they are in the
# checkout.
FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=cache,target=/root/.npm \
    if [ -s /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
    npm ci --no-audit --no-fund --no-update-notifier
COPY . .
RUN --mount=type=bind,from=runtime,source=/libraries.tsv,target=/libraries.tsv \
    npm run --silent build \
    && mkdir -p /out/usr/share/sbom \
    && node scripts/sbom.mjs dist /libraries.tsv /out/usr/share/sbom/ai-todo-frontend.cdx.json \
    && mv dist /out/app \
    && chmod -R u=rwX,go=rX /out \
    && find /out -exec touch -hd @0 {} +

# For people who need a shell, `docker build --target debug`: the same program on the whole base image.
FROM ${NODE_IMAGE} AS debug
ENV NODE_ENV=production
COPY --from=build /out /
USER 10001:10001
EXPOSE 3000
CMD ["node", "/app/server.mjs"]

FROM scratch
ARG NODE_IMAGE
LABEL org.opencontainers.image.base.name="${NODE_IMAGE}" \
    org.opencontainers.image.title="ai-todo-frontend" \
    org.opencontainers.image.description="AI Todo frontend: the web page, and the server that signs users in" \
    org.opencontainers.image.vendor="AI Todo" \
    dev.dockyard.sbom="/usr/share/sbom/ai-todo-frontend.cdx.json"
ENV PATH=/usr/local/bin \
    NODE_ENV=production
COPY --from=runtime /rootfs /
COPY --from=build /out /
USER 10001:10001
EXPOSE 3000
# For `docker run`; Kubernetes has its own probes.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", \
    "fetch('http://127.0.0.1:3000/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "/app/server.mjs"]
