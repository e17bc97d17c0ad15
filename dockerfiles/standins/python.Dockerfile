# Stand-in for python:3.13-slim: CPython from Debian trixie, with pip and venv, on the paths that the original has.
# What differs: packages installed with pip lie in /usr/local/lib/python3.13/dist-packages, as Debian has it.
ARG BASE_IMAGE=dockyard/debian:trixie-slim
FROM ${BASE_IMAGE}

# Byte code of the standard library is left out, as in the original. Versions are those of the Debian release.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=ca \
    export DEBIAN_FRONTEND=noninteractive; ca=/run/secrets/ca; if [ ! -s $ca ]; then ca=/etc/ssl/certs/ca-certificates.crt; fi; \
    apt-get -o Acquire::https::CAInfo=$ca -q update \
    && apt-get -o Acquire::https::CAInfo=$ca -qy --no-install-recommends install \
        ca-certificates media-types netbase python3.13 python3.13-venv tzdata \
    && rm /usr/lib/python3.13/EXTERNALLY-MANAGED \
    && for name in python python3 python3.13; do ln -s /usr/bin/python3.13 /usr/local/bin/$name; done \
    && wheel=$(echo /usr/share/python-wheels/pip-*.whl) \
    && python3.13 "$wheel/pip" install -q --no-index --no-compile --no-cache-dir --root-user-action=ignore "$wheel" \
    && find /usr/lib/python3* /usr/local/lib -name __pycache__ -prune -exec rm -r {} + \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/*

ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PYTHON_VERSION=3.13
CMD ["python3"]
