# Stand-in for postgres:17: PostgreSQL from Debian trixie, with the variables, the user id and the data folder that the
# original has. What differs: no init scripts, no *_FILE variables, the collation is C.UTF-8. Context: this folder.
ARG BASE_IMAGE=dockyard/debian:trixie-slim
FROM ${BASE_IMAGE}

ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PG_MAJOR=17 \
    PGDATA=/var/lib/postgresql/data

# Debian would make a cluster while it installs; ours is made in the volume. Versions are those of the Debian release.
# Perl (only Debian's own cluster commands need it) and LLVM (only the JIT compiler does, and PostgreSQL does without)
# are 220 MB: out again, against their packages' will.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=ca \
    export DEBIAN_FRONTEND=noninteractive; ca=/run/secrets/ca; if [ ! -s $ca ]; then ca=/etc/ssl/certs/ca-certificates.crt; fi; \
    groupadd --system --gid 999 postgres \
    && useradd --system --uid 999 --gid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres \
    && mkdir /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
    && apt-get -o Acquire::https::CAInfo=$ca -q update \
    && apt-get -o Acquire::https::CAInfo=$ca -qy --no-install-recommends install postgresql-17 \
    && dpkg-query --showformat '${Package}\n' --show \
        'libllvm*' 'libz3-4' locales libc-l10n perl 'perl-modules-5.4*' 'libperl5*' >/tmp/unwanted \
    && xargs --arg-file=/tmp/unwanted dpkg --purge --force-depends && rm /tmp/unwanted \
    && rm -r /usr/lib/postgresql/17/lib/llvmjit* /usr/lib/postgresql/17/lib/bitcode \
    && install -d -o postgres -g postgres -m 0700 "$PGDATA" \
    && install -d -o postgres -g postgres -m 2775 /var/run/postgresql \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/*

COPY postgres/entrypoint /usr/local/bin/entrypoint
USER 999:999
VOLUME /var/lib/postgresql/data
EXPOSE 5432
# SIGTERM would wait until the last client has gone; SIGINT ends the sessions and stops.
STOPSIGNAL SIGINT
ENTRYPOINT ["entrypoint"]
CMD ["postgres"]
