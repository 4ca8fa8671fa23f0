FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# The caches outlive a build, the image layer does not: take the binary out.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    cargo build --profile dist --locked --package dossier --bin dossier \
 && install -D target/dist/dossier /out/dossier

FROM debian:bookworm-slim
# shared-mime-info: the type database that detection reads.
# ca-certificates: what TLS to databases and object stores trusts.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates shared-mime-info \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 dossier \
 && useradd --uid 10001 --gid 10001 --no-create-home \
      --home-dir /var/lib/dossier --shell /usr/sbin/nologin dossier \
 && install -d -o dossier -g dossier -m 750 /var/lib/dossier
COPY --from=build /out/dossier /usr/local/bin/dossier
# By numbers: orchestrators see that it isn't root.
USER 10001:10001
WORKDIR /var/lib/dossier
# In a container only the container's own network can reach what listens.
ENV DOSSIER_DATA_DIR=/var/lib/dossier \
    DOSSIER_LISTEN=0.0.0.0:8080 \
    DOSSIER_LOG_FORMAT=json
VOLUME /var/lib/dossier
# 8080 the API; 9090 (worker: 9091) health and metrics, for operators alone.
EXPOSE 8080 9090 9091
# Drains on SIGTERM.
STOPSIGNAL SIGTERM
# Asks whichever role runs here; longer than readiness takes to answer.
HEALTHCHECK --interval=5s --timeout=6s --start-period=20s --retries=6 CMD ["dossier", "health"]
ENTRYPOINT ["dossier"]
CMD ["serve"]
