import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BunPlugin } from 'bun'

// Makes dist/server/main.js, which is src/main.ts and all that it imports in one file, with its bytecode: it starts in a
// third of the time. The image runs it. Whatever is read at run time (drizzle/, the pages' files, the embedded database
// and its worker) is still read from where it lies in this directory, by its full path.
// Without a source map: for the first stack trace, and pino takes one as it starts, all of it would be read.

const root = import.meta.dir
const out = join(root, 'dist/server')

// Each of these comes with adapters to much that is never called here, and making all of it ready is a part of every start.
const withoutTheRest: BunPlugin = {
  name: 'without the rest',
  setup(build) {
    // What `redis` adds to it are the commands of Redis' modules.
    build.onResolve({ filter: /^redis$/ }, () => ({
      path: Bun.resolveSync('@redis/client', Bun.resolveSync('redis', root)),
    }))
    const limiters = ['RateLimiterMemory', 'RateLimiterRedis', 'RateLimiterRes']
    build.onLoad({ filter: /\/rate-limiter-flexible\/index\.js$/ }, () => ({
      loader: 'js',
      contents: limiters.map((name) => `exports.${name} = require('./lib/${name}')`).join('\n'),
    }))
  },
}

await rm(out, { recursive: true, force: true })
await Bun.build({
  entrypoints: [join(root, 'src/main.ts')],
  outdir: out,
  target: 'bun',
  format: 'cjs',
  bytecode: true,
  plugins: [withoutTheRest],
})
