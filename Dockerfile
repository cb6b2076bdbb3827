# The images of local-model-operator. `--target operator`: operator, gateway, pull and lmd, started by name.
# Builds with docker, podman and buildah, with or without BuildKit. Every base is an argument, to be taken from a mirror or pinned:
#   docker build --target operator --build-arg NODE_IMAGE=docker.io/library/node:26-bookworm-slim@sha256:… -t local-model-operator:dev .
ARG NODE_IMAGE=docker.io/library/node:26-bookworm-slim
ARG OPERATOR_BASE=gcr.io/distroless/nodejs26-debian13:nonroot

# The bundles: JavaScript, so the same for every platform.
FROM ${NODE_IMAGE} AS bundles
WORKDIR /src
COPY package.json package-lock.json ./
# No script of a dependency runs: what is bundled needs none.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN node src/cli/build/main.ts

# Nothing but Node, the bundles and the licence: no shell, no package manager, nothing that is written to.
FROM ${OPERATOR_BASE} AS operator
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="local-model-operator" \
      org.opencontainers.image.description="Operator, gateway and pull of local-model-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=bundles /src/dist /app
COPY LICENSE /app/LICENSE
ENV NODE_ENV=production
WORKDIR /app
# By number, so that a kubelet can tell that it is not root.
USER 65532:65532
# The others are started by their own command: /nodejs/bin/node /app/gateway.js, /app/pull.js, /app/lmd.js.
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=2", "--optimize-for-size", "--no-opt", "--no-maglev", "/app/operator.js"]
