# The image of `concertina`: `docker build -t concertina .`, then `docker run concertina --help`.
ARG BASE=node:20-slim
FROM ${BASE} AS build
WORKDIR /source
COPY . .
RUN npm ci --no-fund --no-audit && npm pack --ignore-scripts --pack-destination /tmp

FROM ${BASE}
COPY --from=build /tmp/concertina-*.tgz /tmp/
# The clients of the brokers are optional in the package.
RUN npm install --global --no-fund --no-audit /tmp/concertina-*.tgz @nats-io/transport-node@3.4.0 ioredis@6.0.0 \
  && rm -r /tmp/concertina-*.tgz /root/.npm
ENV NODE_ENV=production
WORKDIR /data
RUN chown node:node /data
USER node
ENTRYPOINT ["concertina"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
