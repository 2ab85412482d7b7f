// The limit twin of an idle socket: bare Bun.serve, each socket on a native topic.

Bun.serve({
  port: Number(process.env['PORT']),
  hostname: '127.0.0.1',
  routes: { '/health/live': new Response('alive') },
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 426 })),
  websocket: {
    open(socket) {
      socket.send('{"type":"authenticated"}')
    },
    message(socket, text) {
      const { id, chat_id } = JSON.parse(String(text))
      socket.subscribe(chat_id)
      socket.send(JSON.stringify({ type: 'watching', id, chat_id, seq: 2, recovered: true }))
    },
  },
})
