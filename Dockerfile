FROM oven/bun:1.4.4 AS build
WORKDIR /app
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --ignore-scripts
COPY build.ts tsconfig.json ./
COPY drizzle ./drizzle
COPY src ./src
RUN bun run build

FROM oven/bun:1.4.4-slim
WORKDIR /app
ENV NODE_ENV=production \
    APP_HOST=0.0.0.0 \
    APP_PORT=8000 \
    DATA_DIR=/data \
    UPLOAD_DIR=/data/uploads
RUN mkdir /data && chown bun:bun /data
# At the same place: what was built knows where it lies.
COPY --from=build /app ./
USER bun
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["bun", "-e", "const { ok } = await fetch(`http://127.0.0.1:${process.env.APP_PORT}/health/live`); process.exit(ok ? 0 : 1)"]
CMD ["bun", "dist/server/main.js"]
