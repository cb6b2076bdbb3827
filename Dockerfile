# The images of local-model-operator. `--target operator`: operator, gateway, pull and lmd, started by name. `--target foundry-local`:
# Foundry Local as the server of one model, for CPUs; docs/foundry-local.md says what it is made of.
# Builds with docker, podman and buildah, with or without BuildKit. Every base is an argument, to be taken from a mirror or pinned:
#   docker build --target operator --build-arg NODE_IMAGE=docker.io/library/node:26-bookworm-slim@sha256:… -t local-model-operator:dev .
ARG NODE_IMAGE=docker.io/library/node:26-bookworm-slim
ARG OPERATOR_BASE=gcr.io/distroless/nodejs26-debian13:nonroot
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-bookworm
ARG FOUNDRY_BASE=docker.io/library/debian:bookworm-slim

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

# What Foundry Local is called through: the addon of Microsoft's npm package (MIT), and of that package nothing else.
FROM ${NODE_IMAGE} AS foundry-addon
WORKDIR /addon
RUN npm pack --silent --ignore-scripts foundry-local-sdk@1.2.3
RUN echo "d62cb9022c62fa9dc68866c864ddeb22e2ac2d899c5d68ea1033cc34589eda0f6e7e84eae7c3997feb5d61d23800a03b90db2d78ef475879f30e83ea768c70e4  foundry-local-sdk-1.2.3.tgz" > sums \
 && sha512sum --check --strict sums \
 && tar -xzf foundry-local-sdk-1.2.3.tgz \
 && case "$(uname -m)" in x86_64) platform=linux-x64 ;; aarch64) platform=linux-arm64 ;; *) echo "no addon for $(uname -m)" && exit 1 ;; esac \
 && mkdir -p out/core out/licenses/foundry-local-sdk \
 && cp package/prebuilds/$platform/foundry_local_napi.node out/core/ \
 && find package -maxdepth 1 -iname 'licen*' -exec cp {} out/licenses/foundry-local-sdk/ ';'

# The core and what it runs on, from Microsoft's Python packages, each by its hash (amd64, then arm64); of Python nothing is kept.
FROM ${PYTHON_IMAGE} AS foundry-libraries
WORKDIR /libraries
RUN printf '%s\n' \
    'foundry-local-core==1.2.3 --hash=sha256:5bd8c42909dfe25d03801bb5d971c206d489df37c14871069de16c2dbee8d9f0 --hash=sha256:51e28f341e886b28f0102a63da483e2fcb6d595078c494b3e7161d1ee453a485' \
    'onnxruntime==1.26.0 --hash=sha256:11a8df4dcfe9ad5ff0bd71a7571dbed019fabc7594676c89fe8b86ea029c246f --hash=sha256:35c7c7b0ac2e02001d28fab6c9fc24e9abc5e6faa35e6e19c63cecf1406ba89f' \
    'onnxruntime-genai==0.14.1 --hash=sha256:cd8d6413124cca69c66f1dc347596a69f84e0cd5ad6dbd69de6ae524208990ac --hash=sha256:bf8f8d05ff2d4b5eee7de98f3f3a0fb16d7db456bc37bf9cb72231b4e9645775' \
    > requirements.txt \
 && python3 -m pip download --no-deps --require-hashes -r requirements.txt -d wheels --only-binary=:all: \
    --python-version 311 --implementation cp --abi cp311 --abi none \
    --platform manylinux_2_27_$(uname -m) --platform manylinux_2_28_$(uname -m)
# nine tenths of one library are symbols for debuggers
RUN command -v strip || (apt-get update && apt-get install --yes --no-install-recommends binutils)
RUN for wheel in wheels/*.whl; do python3 -m zipfile -e "$wheel" "opened/$(basename "$wheel" | cut -d- -f1)"; done \
 && mkdir -p out/core out/licenses \
 && cp opened/foundry_local_core/foundry_local_core/bin/Microsoft.AI.Foundry.Local.Core.so out/core/ \
 && cp opened/onnxruntime/onnxruntime/capi/libonnxruntime.so.* out/core/libonnxruntime.so \
 && cp opened/onnxruntime_genai/onnxruntime_genai/libonnxruntime-genai.so out/core/ \
 && ln -s libonnxruntime.so out/core/libonnxruntime.so.1 \
 && strip --strip-unneeded out/core/libonnxruntime-genai.so \
 && for name in onnxruntime onnxruntime_genai; do \
      mkdir out/licenses/$name && cp opened/$name/$name/LICENSE opened/$name/$name/ThirdPartyNotices.txt out/licenses/$name/ || exit 1; \
    done \
 && echo 'Microsoft.AI.Foundry.Local.Core.so is of the package foundry-local-core 1.2.3, which Microsoft publishes without a text of its licence. See https://github.com/microsoft/Foundry-Local before you publish this image.' \
    > out/licenses/foundry-local-core.txt

# glibc, OpenSSL 3 and a shell are what the core needs of a system.
FROM ${FOUNDRY_BASE} AS foundry-local
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="foundry-local" \
      org.opencontainers.image.description="Foundry Local as the server of one model, for local-model-operator" \
      org.opencontainers.image.licenses="Apache-2.0 AND MIT AND LicenseRef-foundry-local-core" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
RUN dpkg-query --show libssl3 ca-certificates libstdc++6 > /dev/null 2>&1 \
 || (apt-get update && apt-get install --yes --no-install-recommends libssl3 ca-certificates libstdc++6 && rm -rf /var/lib/apt/lists/*)
COPY --from=bundles /usr/local/bin/node /nodejs/bin/node
COPY --from=bundles /src/dist /app
COPY --from=foundry-addon /addon/out /app
COPY --from=foundry-libraries /libraries/out /app
COPY LICENSE /app/LICENSE
ENV NODE_ENV=production
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/app/foundryLocal.js"]
CMD ["--help"]
