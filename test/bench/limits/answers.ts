// The limit twin of an AI service's answers: bare Bun.serve. It hands a question to the service, appends what that calls
// back with to a string, and publishes it, with the same bytes as ours, to the chat's watchers; but nothing is checked,
// stored, put in order or told to other instances.

const SERVICE = process.env['AI_SERVICE_URL'] ?? ''
const texts = new Map<string, string>()

const bare = Bun.serve({
  port: Number(process.env['PORT']),
  hostname: '127.0.0.1',
  async fetch(request, own) {
    const { pathname } = new URL(request.url)
    if (pathname === '/health/live') return new Response('alive')
    if (pathname === '/api/live') return own.upgrade(request) ? undefined : new Response(null, { status: 426 })
    const [, , , chat_id = '', , message_id] = pathname.split('/')
    const body = await request.json()
    if (message_id === undefined) await ask(chat_id, body.content)
    else take(chat_id, message_id, body)
    return Response.json({ status: 'success' })
  },
  websocket: {
    open(socket) {
      socket.send('{"type":"authenticated"}')
    },
    message(socket, text) {
      const { id, chat_id } = JSON.parse(String(text))
      socket.subscribe(chat_id)
      socket.send(JSON.stringify({ type: 'watching', id, chat_id, seq: 1, recovered: true }))
    },
  },
})

async function ask(chatId: string, message: string): Promise<void> {
  const messageId = Bun.randomUUIDv7()
  texts.set(messageId, '')
  const callback_url = `http://127.0.0.1:${bare.port}/api/chats/${chatId}/messages/${messageId}/callback`
  await fetch(SERVICE, { method: 'POST', body: JSON.stringify({ message, conversation_history: [], callback_url }) })
}

function take(chat_id: string, message_id: string, { type, content }: { type: string; content: string }): void {
  const text = texts.get(message_id) ?? ''
  if (type === 'complete') {
    const data = { message_id, status: 'completed', content: text }
    bare.publish(chat_id, JSON.stringify({ chat_id, seq: 2, type: 'answer.ended', data }))
    return
  }
  texts.set(message_id, text + content)
  bare.publish(chat_id, JSON.stringify({ type: 'answer.delta', chat_id, message_id, offset: text.length, content }))
}

export {}
