// As much of S3 as an upload asks for, in a process of its own. It keeps nothing.

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env['PORT']),
  async fetch(request) {
    if (new URL(request.url).pathname === '/health/live') return new Response('ok')
    for await (const _ of request.body ?? []);
    return new Response(null, { status: request.method === 'PUT' ? 200 : 204 })
  },
})
