# The platform on one machine as an image; compose.yaml runs it. The version of Node.js is that of .node-version.
FROM node:24.21.0-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The pinned Node.js of the lockfile is the one of this image.
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/node-linux-*
COPY . .
ENV NODE_OPTIONS=--disable-warning=ExperimentalWarning
# Generates what the schemas say, and goes the whole way once on a little data: an image that cannot is not made. What it has
# synthesized stays in node_modules/.cache, where a container may write nothing.
RUN node src/contracts/build.ts \
  && node src/cli/main.ts demo --once --size tiny --data-dir /tmp/try

FROM node:24.21.0-slim
WORKDIR /app
COPY --from=build /app .
# Volumes take over who owns the folders that they cover. The data directory lies below its volume: `c360 reset` deletes it.
RUN install -d -o node -g node -m 0700 /data /keys
ENV NODE_ENV=production \
  NODE_OPTIONS=--disable-warning=ExperimentalWarning \
  C360_DATA_DIR=/data/c360 \
  C360_KEY_DIR=/keys/c360
VOLUME ["/data", "/keys"]
USER node
ENTRYPOINT ["node", "src/cli/main.ts"]
CMD ["serve"]
