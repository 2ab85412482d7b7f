// The limit twin of watching a session: bare Bun.serve, every socket on one native topic. A frame that comes in becomes a
// message and is published: with the same bytes as ours, but nothing is stored, checked, or ordered with what is.

const TOPIC = 'session'
const sync = '{"type":"session.sync","session":{"session_id":"room","messages":[]}}'

const server = Bun.serve({
  port: Number(process.env['PORT']),
  hostname: '127.0.0.1',
  routes: { '/health/live': new Response('alive') },
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 426 })),
  websocket: {
    open(socket) {
      socket.subscribe(TOPIC)
      socket.send(sync)
    },
    message(_, text) {
      const { role, content } = JSON.parse(String(text))
      const message = { id: crypto.randomUUID(), role, content, created_at: new Date().toISOString() }
      server.publish(TOPIC, JSON.stringify({ type: 'message.created', session_id: 'room', message }))
    },
  },
})
