import { useChat } from '@ai-sdk/react'
import { DefaultChatTransport, type UIMessage } from 'ai'
import { createElement, type FormEvent } from 'react'
import { createRoot } from 'react-dom/client'

// A page as a product would write it: what was said is fetched, the rest is `useChat`'s.

const query = new URLSearchParams(location.hash.slice(1))
const chatId = query.get('chat') ?? ''
const headers = { authorization: `Bearer ${query.get('token')}` }
const transport = new DefaultChatTransport({ api: `/api/chats/${chatId}/ui-stream`, headers })

function ChatPage({ history }: { history: UIMessage[] }) {
  const { messages, sendMessage, regenerate, status, stop } = useChat({
    id: chatId,
    messages: history,
    resume: true,
    transport,
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    void sendMessage({ text: String(new FormData(event.currentTarget).get('text')) })
  }
  const end = async () => {
    await fetch(`/api/chats/${chatId}/messages/${messages.at(-1)?.id}/stop`, { method: 'POST', headers })
    await stop()
  }
  const button = (name: string, onClick: () => unknown) =>
    createElement('button', { key: name, type: 'button', onClick: () => void onClick() }, name)
  return createElement('main', null, [
    createElement(
      'ol',
      { key: 'messages' },
      messages.map((message) => createElement('li', { key: message.id }, `${message.role}: ${textOf(message)}`)),
    ),
    createElement('output', { key: 'status' }, status),
    createElement('form', { key: 'form', onSubmit: submit }, createElement('input', { name: 'text' })),
    button('Stop', end),
    button('Regenerate', regenerate),
  ])
}

function textOf({ parts }: UIMessage): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

type Stored = { id: string; sender_type: 'user' | 'assistant'; content: string }

const { messages }: { messages: Stored[] } = await (await fetch(`/api/chats/${chatId}`, { headers })).json()
const history = messages.map(({ id, sender_type, content }) => ({
  id,
  role: sender_type,
  parts: [{ type: 'text' as const, text: content }],
}))
createRoot(document.body).render(createElement(ChatPage, { history }))
