// The limit twin of starting: what Bun itself needs until it has answered.

Bun.serve({
  port: Number(process.env['PORT']),
  hostname: '127.0.0.1',
  routes: { '/health/live': new Response('alive') },
})
