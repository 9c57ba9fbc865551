# Two images from one file:
#
#   services  the seven services and cdnctl (and nothing else: no shell, no package manager), for production
#   tests     Pebble, its DNS, the AWS simulator, the demo and the end-to-end tests, for docker-compose.yml
#
#   docker build --target services -t cdn-broker .
#
# Wants BuildKit, for its cache mounts: dependencies are compiled once per machine, not once per build. Each build has a registry
# of its own: two cargos would unpack into a shared one at once.

ARG RUST=1.95-slim-trixie
ARG DEBIAN=trixie-slim

FROM rust:${RUST} AS source
WORKDIR /source
ENV CARGO_TARGET_DIR=/target CARGO_INCREMENTAL=0
# Cargo tells by time what has changed, and the caches below may be another worktree's.
COPY . .
RUN find . -type f -exec touch {} +

# Writes the versions of all crates into each program: the image has its bill of materials with it.
FROM rust:${RUST} AS auditable
RUN --mount=type=cache,target=/usr/local/cargo/registry,id=cdn-broker-auditable-registry \
    cargo install --locked --root /usr/local cargo-auditable@0.7.2

FROM source AS build-services
COPY --from=auditable /usr/local/bin/cargo-auditable /usr/local/bin/
RUN --mount=type=cache,target=/usr/local/cargo/registry,id=cdn-broker-services-registry \
    --mount=type=cache,target=/target,id=cdn-broker-services \
    cargo auditable build --locked --release \
        -p broker-api -p distribution -p challenge-verifier -p certificate-issuer -p cert-installer -p dns-responder -p notifier -p cdnctl \
 && mkdir /out \
 && cd /target/release \
 && cp broker-api distribution challenge-verifier certificate-issuer cert-installer dns-responder notifier cdnctl /out/

FROM source AS build-tests
# Test programs: compiled quickly rather than running quickly.
RUN --mount=type=cache,target=/usr/local/cargo/registry,id=cdn-broker-tests-registry \
    --mount=type=cache,target=/target,id=cdn-broker-tests \
    cargo build --locked -p stack -p aws-sim -p demo \
 && cargo test --locked -p e2e --test main --no-run --message-format short \
 && mkdir /out \
 && cd /target/debug \
 && cp stack aws-sim demo /out/ \
 && cp "$(find deps -name 'main-*' -type f -perm -100 -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2)" /out/e2e

# What a Rust program needs of Debian, as packages: the C library, libgcc, root certificates. Each package's own entry
# lies in /var/lib/dpkg/status.d, where scanners look for it.
FROM debian:${DEBIAN} AS debian-files
WORKDIR /download
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && apt-get download libc6 libgcc-s1 ca-certificates \
 && mkdir -p /root-files/var/lib/dpkg/status.d /root-files/etc/ssl/certs /root-files/tmp \
 && for package in *.deb; do \
        dpkg-deb -x "$package" /root-files; \
        dpkg-deb -f "$package" > "/root-files/var/lib/dpkg/status.d/${package%%_*}"; \
    done \
 && cp /etc/ssl/certs/ca-certificates.crt /root-files/etc/ssl/certs/ \
 && rm -rf /root-files/usr/share/doc /root-files/usr/share/lintian /root-files/usr/share/man /root-files/usr/share/ca-certificates \
        /root-files/usr/sbin /root-files/usr/lib/*/gconv /root-files/usr/lib/*/audit \
 && for folder in lib lib64 sbin bin; do [ ! -e "/$folder" ] || ln -sfn "usr/$folder" "/root-files/$folder"; done \
 && printf 'cdn-broker:x:65532:65532::/nonexistent:/sbin/nologin\n' > /root-files/etc/passwd \
 && printf 'cdn-broker:x:65532:\n' > /root-files/etc/group \
 && printf 'hosts: files dns\n' > /root-files/etc/nsswitch.conf

# Pebble 2.10 or newer knows dns-persist-01; Debian 13 has an older one. From the mirror of the image's own main archive ("trixie", not
# "trixie-security"), as tests/setup.sh does it on a machine.
FROM debian:${DEBIAN} AS pebble
WORKDIR /download
RUN mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk '$2 !~ /-/ { print $1; exit }') \
 && echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?the sources of this image have no main archive} testing main" \
        > /etc/apt/sources.list.d/testing.list \
 && apt-get update \
 && apt-get download pebble/testing \
 && dpkg-deb -x pebble_*.deb /unpacked

FROM scratch AS base
COPY --from=debian-files /root-files /
USER 65532:65532
ENV PATH=/usr/local/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

FROM base AS tests
LABEL org.opencontainers.image.title="cdn-broker tests" \
      org.opencontainers.image.description="Pebble, DNS, the AWS simulator, the demo and the end-to-end tests of cdn-broker"
COPY --from=pebble /unpacked/usr/bin/pebble /unpacked/usr/bin/pebble-challtestsrv /usr/local/bin/
COPY --from=build-tests /out/ /usr/local/bin/
# A named volume gets this folder's owner.
COPY --from=debian-files --chown=65532:65532 /root-files/tmp /pki

FROM base AS services
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cdn-broker" \
      org.opencontainers.image.description="Open Service Broker for CloudFront with ACME certificates: seven services, one image" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-services /out/ /usr/local/bin/
# broker-api's LISTEN, dns-responder's DNS_LISTEN; every service has /healthz, /readyz and /metrics on 9090. Which service it is, the command says.
EXPOSE 8080 9090 8053/udp 8053/tcp
