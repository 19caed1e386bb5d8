# Healthspan's image: the bundled command line and the drivers, nothing to build with. Needs no shell, no root and no
# folder that it can write to. docs/compose.md says how to use it.
ARG NODE_IMAGE=node:24.15.0-trixie-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /opt/healthspan
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
# Runs an agent for a second, to keep what V8 compiles of it: for the same Node.js below.
RUN node scripts/build.mjs cli
# A name for the command that works without a shell.
RUN mkdir bin && ln -s ../dist/cli/main.js bin/healthspan

FROM ${NODE_IMAGE} AS packages
WORKDIR /opt/healthspan
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Healthspan" \
      org.opencontainers.image.description="An OpenTelemetry-native health agent: every health check is a span." \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /opt/healthspan
COPY package.json LICENSE ./
COPY --from=packages /opt/healthspan/node_modules node_modules
COPY --from=build /opt/healthspan/bin bin
COPY --from=build /opt/healthspan/dist/cli dist/cli
# Who asks from inside the container may be any neighbour in it, so details need the token.
ENV NODE_ENV=production \
    PATH=/opt/healthspan/bin:$PATH \
    HEALTHSPAN_HOST=0.0.0.0 \
    HEALTHSPAN_TRUST_LOOPBACK=false
# A number, so that Kubernetes can see that it is not root.
USER 1000:1000
# `healthspan.yaml` mounted here is found; without one the agent watches what the environment names.
WORKDIR /etc/healthspan
EXPOSE 9464
# Liveness: a container that is restarted because its database is down helps nobody. Each asking costs 0.07 s of CPU.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["healthspan", "probe", "http://127.0.0.1:9464/livez"]
ENTRYPOINT ["healthspan"]
CMD ["run"]
