# A single-node Kubernetes in one container, made from Debian bookworm's own packages: nothing else is downloaded.
# Context: the folder `node` beside this file. Cold, the build takes minutes; after it, a change of rootfs/ takes seconds.
ARG BASE_IMAGE=debian:bookworm-slim

# ---- Kubernetes as Debian has it in source form, and what builds it
FROM ${BASE_IMAGE} AS source
ARG KUBERNETES=1.20.2
# Sources are in apt's lists in the one-line form, in stanzas, or in both. Versions are those of the Debian release.
# hadolint ignore=DL3008,DL3003
RUN --mount=type=secret,id=ca \
    export DEBIAN_FRONTEND=noninteractive; ca=/run/secrets/ca; if [ ! -s $ca ]; then ca=/etc/ssl/certs/ca-certificates.crt; fi; \
    find /etc/apt -name '*.sources' -exec sed -i 's/^Types:[[:space:]]*deb[[:space:]]*$/Types: deb deb-src/' {} + \
    && find /etc/apt -name '*.list' -exec sed -i -n 'p; s/^deb\([[:space:]]\)/deb-src\1/p' {} + \
    && apt-get -o Acquire::https::CAInfo=$ca -q update \
    && apt-get -o Acquire::https::CAInfo=$ca -qy --no-install-recommends install \
        dpkg-dev gcc golang-go jq libc6-dev make python3 rsync \
    && mkdir -p /go/src/k8s.io && cd /go/src/k8s.io \
    && apt-get -o Acquire::https::CAInfo=$ca -q source kubernetes \
    && mv ./kubernetes-*"$KUBERNETES" kubernetes \
    && rm -rf ./*.tar.* ./*.dsc /var/lib/apt/lists/*

# ---- All components as one program: smaller, and built faster, than five
FROM source AS kubernetes
ARG KUBERNETES=1.20.2
WORKDIR /go/src/k8s.io/kubernetes
ENV GOPATH=/go GO111MODULE=off CGO_ENABLED=0 \
    KUBE_GIT_VERSION=v${KUBERNETES} KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20 \
    KUBE_GIT_COMMIT=faecb196815e248d3ecfb03c680a4507229c2a56 KUBE_GIT_TREE_STATE=archive SOURCE_DATE_EPOCH=1610534400
# The compiler's cache outlives a build that was cut off: the next one goes on where it was.
RUN --mount=type=cache,id=dockyard-node-go,target=/root/.cache/go-build \
    make generated_files
COPY hyperkube.go cmd/hyperkube/main.go
# The version must reach both vendored packages: kubelet reports the one, the API server's /version the other.
RUN --mount=type=cache,id=dockyard-node-go,target=/root/.cache/go-build \
    set --; for package in component-base client-go/pkg; do \
      for setting in gitVersion=$KUBE_GIT_VERSION gitMajor=$KUBE_GIT_MAJOR gitMinor=$KUBE_GIT_MINOR \
          gitCommit=$KUBE_GIT_COMMIT gitTreeState=$KUBE_GIT_TREE_STATE buildDate=2021-01-13T10:40:00Z; do \
        set -- "$@" -X "k8s.io/kubernetes/vendor/k8s.io/$package/version.$setting"; \
      done; \
    done; \
    go build -trimpath -tags providerless,dockerless -ldflags "-s -w $*" -o /out/bin/hyperkube ./cmd/hyperkube \
    && for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl; do \
         ln -s hyperkube "/out/bin/$name"; \
       done

# ---- The image that holds a pod's namespaces open
FROM source AS pause
COPY mkimage.py /
RUN gcc -Os -static -DVERSION=v1 -o /pause /go/src/k8s.io/kubernetes/build/pause/linux/pause.c \
    && strip /pause \
    && python3 /mkimage.py docker.io/dockyard/pause:1 /pause /pause.tar --architecture "$(dpkg --print-architecture)"

# ---- The node
FROM ${BASE_IMAGE} AS node
ARG KUBERNETES=1.20.2
LABEL dev.dockyard.kind=node \
      dev.dockyard.kubernetes=v${KUBERNETES}
# hadolint ignore=DL3008
RUN --mount=type=secret,id=ca \
    export DEBIAN_FRONTEND=noninteractive; ca=/run/secrets/ca; if [ ! -s $ca ]; then ca=/etc/ssl/certs/ca-certificates.crt; fi; \
    apt-get -o Acquire::https::CAInfo=$ca -q update \
    && apt-get -o Acquire::https::CAInfo=$ca -qy --no-install-recommends install \
        ca-certificates conntrack containerd containernetworking-plugins etcd-server iproute2 iptables openssl procps \
        python3 runc \
    && find /usr/lib/cni -type f ! -name host-local ! -name loopback ! -name portmap ! -name ptp -delete \
    && rm -f /usr/bin/containerd-shim /usr/bin/containerd-shim-runc-v1 /usr/bin/containerd-stress \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/* /var/lib/etcd
COPY --from=kubernetes /out/bin/ /usr/local/bin/
COPY --from=pause /pause.tar /opt/images/
COPY rootfs/etc/ /etc/
COPY --chmod=0755 rootfs/usr/local/bin/ /usr/local/bin/
COPY rootfs/usr/local/lib/ /usr/local/lib/
ENV PYTHONPATH=/usr/local/lib
# Kubernetes keeps all its state below /var; an overlay file system cannot lie on another one, a volume can.
VOLUME /var
STOPSIGNAL SIGTERM
EXPOSE 6443
ENTRYPOINT ["/usr/local/bin/entrypoint"]
