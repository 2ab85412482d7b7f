// The limit twin of watching a chat: bare Bun.serve, every socket on one native topic. A post that comes in becomes an
// event, with the same bytes as ours, and is published; but nothing is stored, checked, or ordered with what is.

const CHAT = 'chat'
let seq = 2

const bare = Bun.serve({
  port: Number(process.env['PORT']),
  hostname: '127.0.0.1',
  routes: { '/health/live': new Response('alive') },
  fetch: (request, own) => (own.upgrade(request) ? undefined : new Response(null, { status: 426 })),
  websocket: {
    open(socket) {
      socket.send('{"type":"authenticated"}')
    },
    message(socket, text) {
      const { type, id, chat_id, content } = JSON.parse(String(text))
      if (type === 'watch') {
        socket.subscribe(CHAT)
        socket.send(JSON.stringify({ type: 'watching', id, chat_id, seq, recovered: true }))
        return
      }
      seq += 1
      const at = new Date().toISOString()
      const data = {
        id: Bun.randomUUIDv7(),
        chat_id,
        message_type: 'user',
        sender_type: 'user',
        sender_id: chat_id,
        content,
        status: 'completed',
        metadata: {},
        client_id: null,
        branch_id: chat_id,
        position: seq - 2,
        number: seq,
      }
      bare.publish(CHAT, JSON.stringify({ chat_id, seq, at, type: 'message.created', data }))
      socket.send(JSON.stringify({ type: 'ack', id, message: { ...data, seq, created_at: at } }))
    },
  },
})

export {}
