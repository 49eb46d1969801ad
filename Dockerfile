# The image of `concertina`: Node, the libraries it needs, tini and the package; no shell, no package manager.
#   docker build -t concertina .
#   docker run --read-only -p 8080:8080 -v concertina:/data -e CONCERTINA_SECRET=… concertina
ARG NODE=node:20-slim

FROM ${NODE} AS base
RUN apt-get update && apt-get install -y --no-install-recommends tini

FROM base AS package
WORKDIR /source
COPY . .
RUN npm ci --no-fund --no-audit && npm pack --ignore-scripts --pack-destination /tmp \
  && sh deploy/image/install.sh /tmp/concertina-*.tgz /app

FROM base AS gather
COPY deploy/image/gather.sh /tmp/
RUN sh /tmp/gather.sh /image

FROM scratch
COPY --from=gather /image /
COPY --from=package /app /app
COPY deploy/image/healthy.mjs /app/
ENV NODE_ENV=production PATH=/usr/local/bin:/usr/bin
WORKDIR /data
USER 1000:1000
# Of a controller: HEALTH_URL=http://127.0.0.1:8081/healthz. Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["node", "/app/healthy.mjs"]
# Tini is process 1: it passes signals on, and reaps what is left over.
ENTRYPOINT ["tini", "--", "node", "/app/node_modules/concertina/dist/cli/main.js"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
