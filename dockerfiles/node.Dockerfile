# A single-node Kubernetes in one container: Debian's containerd, runc and etcd, and one program with everything that is
# written in Go, compiled from Go modules (go.mod, go.sum). Context: the folder `node` beside this file. Cold, the build
# takes minutes; after it, a change of rootfs/ takes seconds.
#
# Secrets, both optional: `ca`, the certificate bundle of this machine; `goenv`, a file with Go's settings for the module
# proxy in the form of `go env -w`. Neither leaves a trace in a layer.
ARG BASE_IMAGE=debian:trixie-slim

# ---- The Go toolchain: Debian's starts the build and fetches the one that Kubernetes needs, as a module
FROM ${BASE_IMAGE} AS go
# hadolint ignore=DL3008
RUN --mount=type=secret,id=ca \
    export DEBIAN_FRONTEND=noninteractive; ca=/run/secrets/ca; if [ ! -s $ca ]; then ca=/etc/ssl/certs/ca-certificates.crt; fi; \
    apt-get -o Acquire::https::CAInfo=$ca -q update \
    && apt-get -o Acquire::https::CAInfo=$ca -qy --no-install-recommends install ca-certificates gcc golang-go libc6-dev python3 \
    && rm -rf /var/lib/apt/lists/*

# ---- All components as one program: smaller, and compiled faster, than several
FROM go AS program
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=go1.27.3 GOENV=/run/secrets/goenv GOMODCACHE=/cache/modules GOCACHE=/cache/build
COPY go.mod go.sum main.go compile ./
COPY controllers/ controllers/
# Modules and compiled packages outlive a build that was cut off: the next one goes on where it was.
RUN --mount=type=secret,id=ca --mount=type=secret,id=goenv --mount=type=cache,id=dockyard-node-1.36,target=/cache \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi; \
    ./compile providerless,selinux /out/hyperkube \
    && for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl coredns metrics-server \
          node-controllers; do \
         ln -s hyperkube "/out/$name"; \
       done

# ---- The image that holds a pod's namespaces open
FROM go AS pause
COPY mkimage.py pause.c /
RUN gcc -Os -static -Wall -Werror -o /pause /pause.c \
    && strip /pause \
    && python3 /mkimage.py docker.io/dockyard/pause:1 /pause /pause.tar --architecture "$(dpkg --print-architecture)"

# ---- The node
FROM ${BASE_IMAGE} AS node
ARG KUBERNETES=v1.36.3
LABEL dev.dockyard.kind=node \
      dev.dockyard.kubernetes=${KUBERNETES}
# hadolint ignore=DL3008
RUN --mount=type=secret,id=ca \
    export DEBIAN_FRONTEND=noninteractive; ca=/run/secrets/ca; if [ ! -s $ca ]; then ca=/etc/ssl/certs/ca-certificates.crt; fi; \
    apt-get -o Acquire::https::CAInfo=$ca -q update \
    && apt-get -o Acquire::https::CAInfo=$ca -qy --no-install-recommends install \
        ca-certificates conntrack containerd containernetworking-plugins etcd-server iproute2 iptables mount openssl procps \
        python3 runc \
    && find /usr/lib/cni -type f ! -name host-local ! -name loopback ! -name portmap ! -name ptp -delete \
    && rm -f /usr/bin/containerd-stress \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/* /var/lib/etcd
COPY --from=program /out/ /usr/local/bin/
COPY --from=pause /pause.tar /opt/images/
COPY rootfs/etc/ /etc/
COPY --chmod=0755 rootfs/usr/local/bin/ /usr/local/bin/
COPY rootfs/usr/local/lib/ /usr/local/lib/
# The label says what the program is.
RUN test "$(kubelet --version)" = "Kubernetes ${KUBERNETES}"
ENV PYTHONPATH=/usr/local/lib
# Kubernetes keeps all its state below /var; an overlay file system cannot lie on another one, a volume can.
VOLUME /var
STOPSIGNAL SIGTERM
EXPOSE 6443
ENTRYPOINT ["/usr/local/bin/entrypoint"]
