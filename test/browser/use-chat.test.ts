import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { z } from 'zod'
import { Message } from '../../src/contract/chats.ts'
import { browserPath, openBrowser, type TestBrowser } from '../support/browser.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'

setDefaultTimeout(120_000)

const [embedded] = testDatabases()

describe.skipIf(browserPath === undefined)("a page with the AI SDK's useChat", () => {
  const answerer = new ScriptedAnswerer()
  let people: People
  let browser: TestBrowser

  beforeAll(async () => {
    if (embedded === undefined) throw new Error('There is no database.')
    people = await openPeople(embedded.open, { answerer })
    browser = await openBrowser(people.server.url)
    const built = await Bun.build({
      entrypoints: [join(import.meta.dir, 'pages/use-chat.ts')],
      define: { 'process.env.NODE_ENV': '"production"' },
    })
    const script = (await built.outputs[0]?.text()) ?? ''
    const html = '<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/page.js"></script>'
    await browser.context.route('**/page.html', (route) => route.fulfill({ body: html, contentType: 'text/html' }))
    await browser.context.route('**/page.js', (route) =>
      route.fulfill({ body: script, contentType: 'text/javascript;charset=utf-8' }),
    )
  })

  afterAll(async () => {
    for (const run of answerer.runs) run.end()
    await browser.close()
    await people.close()
  })

  const stored = async (chatId: string) => {
    const history = z.object({ messages: z.array(Message) })
    return history.parse(await (await people.ada.call(`/api/chats/${chatId}`)).json()).messages
  }

  async function visit(): Promise<{ page: Page; chatId: string }> {
    const chat: unknown = await (await people.ada.send('/api/chats', { title: 'Talk' })).json()
    const chatId = z.object({ id: z.string() }).parse(chat).id
    const page = await browser.context.newPage()
    await page.goto(`${people.server.url}/page.html#chat=${chatId}&token=${people.ada.access_token}`)
    return { page, chatId }
  }

  async function ask(page: Page, question: string) {
    await page.getByRole('textbox').fill(question)
    await page.getByRole('textbox').press('Enter')
    return answerer.run(question)
  }

  const shows = (page: Page, text: string) => page.getByText(text, { exact: true }).waitFor()

  test('shows an answer as it is made, and goes on with it after the page was loaded anew', async () => {
    const { page, chatId } = await visit()
    const run = await ask(page, 'Shall we go?')
    run.say('Once upon')
    await shows(page, 'assistant: Once upon')
    await shows(page, 'streaming')
    await page.reload()
    run.say(' a time')
    await shows(page, 'assistant: Once upon a time')
    run.say('.')
    run.end()
    await shows(page, 'assistant: Once upon a time.')
    await shows(page, 'ready')
    expect(await page.getByRole('listitem').allTextContents()).toEqual([
      'user: Shall we go?',
      'assistant: Once upon a time.',
    ])
    expect((await stored(chatId)).map(({ content }) => content)).toEqual(['Shall we go?', 'Once upon a time.'])
    await page.close()
  })

  test('stops an answer, regenerates it, and goes on', async () => {
    const { page, chatId } = await visit()
    const run = await ask(page, 'How far is it?')
    run.say('Well')
    await shows(page, 'assistant: Well')
    await page.getByRole('button', { name: 'Stop' }).click()
    await shows(page, 'ready')
    expect((await stored(chatId)).at(-1)).toMatchObject({ status: 'stopped', content: 'Well' })
    await page.getByRole('button', { name: 'Regenerate' }).click()
    const again = await answerer.run('How far is it?', 2)
    again.say('Not far.')
    again.end()
    await shows(page, 'assistant: Not far.')
    const next = await ask(page, 'And back?')
    next.say('The same.')
    next.end()
    await shows(page, 'assistant: The same.')
    expect(await page.getByRole('listitem').allTextContents()).toEqual([
      'user: How far is it?',
      'assistant: Not far.',
      'user: And back?',
      'assistant: The same.',
    ])
    await page.close()
    expect(browser.faults.filter((fault) => !fault.startsWith('failed: '))).toEqual([])
  })
})
