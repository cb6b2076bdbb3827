# The images of local-model-operator. `--target operator`: operator, gateway, pull and lmd, started by name. `--target foundry-local`:
# Foundry Local as the server of one model, for CPUs; docs/foundry-local.md says what it is made of.
# Builds with docker, podman and buildah, with or without BuildKit. Every base is an argument, to be taken from a mirror or pinned:
#   docker build --target operator --build-arg NODE_IMAGE=docker.io/library/node:26-bookworm-slim@sha256:… -t local-model-operator:dev .
ARG NODE_IMAGE=docker.io/library/node:26-bookworm-slim
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-bookworm
ARG OPERATOR_BASE=gcr.io/distroless/nodejs26-debian13:nonroot
# glibc 2.34, OpenSSL 3, libstdc++ and Node in /nodejs are what the core of Foundry Local and its server need of a system.
ARG FOUNDRY_BASE=gcr.io/distroless/nodejs26-debian13:nonroot

# What runs while we build runs on the builder's own platform, whatever the image is for, and the images themselves run nothing: nobody
# emulates. Builders that do not say which platform that is (docker without BuildKit, old buildah) take amd64 unless they are told.
ARG BUILDPLATFORM
# Where old buildah had a stage for another platform, it would take the next ones for that as well.
ARG TARGETPLATFORM

# The bundles: JavaScript, so the same for every platform.
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${NODE_IMAGE} AS bundles
WORKDIR /src
COPY package.json package-lock.json ./
# A mirror of npm's registry; where it is not set, npm asks its own.
ARG NPM_CONFIG_REGISTRY
# No script of a dependency runs: what is bundled needs none.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN node src/cli/build/main.ts

# Nothing but Node, the bundles and the licence: no shell, no package manager, nothing that is written to.
FROM --platform=${TARGETPLATFORM:-${BUILDPLATFORM:-linux/amd64}} ${OPERATOR_BASE} AS operator
COPY LICENSE /app/LICENSE
COPY --from=bundles /src/dist /app
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="local-model-operator" \
      org.opencontainers.image.description="Operator, gateway and pull of local-model-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
ENV NODE_ENV=production
WORKDIR /app
# By number, so that a kubelet can tell that it is not root.
USER 65532:65532
# The others are started by their own command: /nodejs/bin/node /app/gateway.js, /app/pull.js, /app/lmd.js.
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=2", "--optimize-for-size", "--no-opt", "--no-maglev", "/app/operator.js"]

# The core of Foundry Local and what it runs on, from Microsoft's Python packages, each by its hash (amd64, then arm64); of Python
# nothing is kept. Fetched before anything of ours comes in, so that a change of ours fetches nothing again.
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${PYTHON_IMAGE} AS foundry-libraries
WORKDIR /libraries
# A mirror of PyPI; where it is not set, pip asks its own.
ARG PIP_INDEX_URL
ARG TARGETARCH
RUN printf '%s\n' \
    'foundry-local-core==1.2.3 --hash=sha256:5bd8c42909dfe25d03801bb5d971c206d489df37c14871069de16c2dbee8d9f0 --hash=sha256:51e28f341e886b28f0102a63da483e2fcb6d595078c494b3e7161d1ee453a485' \
    'onnxruntime==1.26.0 --hash=sha256:11a8df4dcfe9ad5ff0bd71a7571dbed019fabc7594676c89fe8b86ea029c246f --hash=sha256:35c7c7b0ac2e02001d28fab6c9fc24e9abc5e6faa35e6e19c63cecf1406ba89f' \
    'onnxruntime-genai==0.14.1 --hash=sha256:cd8d6413124cca69c66f1dc347596a69f84e0cd5ad6dbd69de6ae524208990ac --hash=sha256:bf8f8d05ff2d4b5eee7de98f3f3a0fb16d7db456bc37bf9cb72231b4e9645775' \
    > requirements.txt \
 && case "${TARGETARCH:-$(uname -m)}" in amd64|x86_64) machine=x86_64 ;; arm64|aarch64) machine=aarch64 ;; *) machine=none ;; esac \
 && python3 -m pip download --no-deps --require-hashes -r requirements.txt -d wheels --only-binary=:all: \
    --python-version 311 --implementation cp --abi cp311 --abi none \
    --platform manylinux_2_27_$machine --platform manylinux_2_28_$machine
RUN for wheel in wheels/*.whl; do python3 -m zipfile -e "$wheel" "opened/$(basename "$wheel" | cut -d- -f1)" || exit 1; done \
 && mkdir -p out/core out/licenses \
 && cp opened/foundry_local_core/foundry_local_core/bin/Microsoft.AI.Foundry.Local.Core.so out/core/ \
 && cp opened/onnxruntime/onnxruntime/capi/libonnxruntime.so.* out/core/libonnxruntime.so \
 && cp opened/onnxruntime_genai/onnxruntime_genai/libonnxruntime-genai.so out/core/ \
 && ln -s libonnxruntime.so out/core/libonnxruntime.so.1 \
 && for name in onnxruntime onnxruntime_genai; do \
      mkdir out/licenses/$name && cp opened/$name/$name/LICENSE opened/$name/$name/ThirdPartyNotices.txt out/licenses/$name/ || exit 1; \
    done \
 && echo 'Microsoft.AI.Foundry.Local.Core.so is of the package foundry-local-core 1.2.3, which Microsoft publishes without a text of its licence. See https://github.com/microsoft/Foundry-Local before you publish this image.' \
    > out/licenses/foundry-local-core.txt \
 && rm -r opened

# What it is called through: the addon of Microsoft's npm package (MIT), and of that package nothing else.
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${NODE_IMAGE} AS foundry-natives
WORKDIR /natives
ARG NPM_CONFIG_REGISTRY
RUN npm pack --silent --ignore-scripts foundry-local-sdk@1.2.3
ARG TARGETARCH
RUN echo "d62cb9022c62fa9dc68866c864ddeb22e2ac2d899c5d68ea1033cc34589eda0f6e7e84eae7c3997feb5d61d23800a03b90db2d78ef475879f30e83ea768c70e4  foundry-local-sdk-1.2.3.tgz" > sums \
 && sha512sum --check --strict sums \
 && tar -xzf foundry-local-sdk-1.2.3.tgz \
 && case "${TARGETARCH:-$(uname -m)}" in amd64|x86_64) platform=linux-x64 ;; arm64|aarch64) platform=linux-arm64 ;; *) platform=none ;; esac \
 && mkdir -p out/core out/licenses/foundry-local-sdk \
 && cp package/prebuilds/$platform/foundry_local_napi.node out/core/ \
 && find package -maxdepth 1 -iname 'licen*' -exec cp {} out/licenses/foundry-local-sdk/ ';'
COPY --from=foundry-libraries /libraries/out out
COPY src/cli/symbols symbols
# nine tenths of one library are symbols for debuggers
RUN node symbols/main.ts out/core/libonnxruntime-genai.so

# Like the operator's: Node, one bundle, the libraries and the licences.
FROM --platform=${TARGETPLATFORM:-${BUILDPLATFORM:-linux/amd64}} ${FOUNDRY_BASE} AS foundry-local
COPY LICENSE /app/LICENSE
COPY --from=foundry-natives /natives/out /app
COPY --from=bundles /src/dist/package.json /src/dist/foundryLocal.js /src/dist/foundryLocal.js.map /app/
ARG VERSION=1.2.3-cpu
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="foundry-local" \
      org.opencontainers.image.description="Foundry Local as the server of one model, for local-model-operator" \
      org.opencontainers.image.licenses="Apache-2.0 AND MIT AND LicenseRef-foundry-local-core" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
ENV NODE_ENV=production
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/app/foundryLocal.js"]
CMD ["--help"]
