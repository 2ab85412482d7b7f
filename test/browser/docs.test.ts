import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { startServer, type TestServer } from '../support/app.ts'
import { browserPath, openBrowser, type TestBrowser } from '../support/browser.ts'

// A browser on a busy machine takes its time; that is not what is tested.
setDefaultTimeout(120_000)

const SIZES = [
  { name: 'a desktop', width: 1280, height: 800 },
  { name: 'a phone', width: 390, height: 844 },
]

const SUMMARIES = [
  'List the sessions that hold messages',
  'Read a session',
  'Post a message to a session',
  'Clear a session',
  'Watch a session and post to it (WebSocket)',
  'Report the health of the server and of what it depends on',
]

describe.skipIf(browserPath === undefined)('in a browser without any network but the server', () => {
  let server: TestServer
  let browser: TestBrowser

  beforeAll(async () => {
    server = await startServer()
    browser = await openBrowser(server.url)
  })

  afterAll(async () => {
    await browser.close()
    await server.close()
  })

  async function visit(path: string, { width, height }: { width: number; height: number }): Promise<Page> {
    const page = await browser.context.newPage()
    await page.setViewportSize({ width, height })
    await page.goto(`${server.url}${path}`)
    return page
  }

  /** Nothing but the page's own scroll bars: what is wider than the window cannot be read on a phone. */
  const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)

  test.each(SIZES)('Swagger UI shows every operation on $name', async (size) => {
    const page = await visit('/docs', size)
    for (const summary of SUMMARIES) await page.getByText(summary, { exact: true }).first().waitFor()
    expect(await overflow(page)).toBe(0)
    await page.close()
    expect(browser.faults).toEqual([])
  })

  test.each(SIZES)('ReDoc shows every operation on $name', async (size) => {
    const page = await visit('/redoc', size)
    for (const summary of SUMMARIES) await page.getByRole('heading', { name: summary }).first().waitFor()
    expect(await overflow(page)).toBe(0)
    await page.close()
    expect(browser.faults).toEqual([])
  })

  test('ReDoc finds an operation by a word of it', async () => {
    const page = await visit('/redoc', { width: 1280, height: 800 })
    await page.getByPlaceholder('Search...').pressSequentially('renews')
    await page.getByRole('search').getByText('Post a message to a session').waitFor()
    await page.close()
    expect(browser.faults).toEqual([])
  })

  test('a message can be posted from Swagger UI', async () => {
    const page = await visit('/docs', { width: 1280, height: 800 })
    const operation = page.locator('#operations-Sessions-postSessionMessage')
    await operation.getByText('Post a message to a session').click()
    await operation.getByRole('button', { name: 'Try it out' }).click()
    await operation.getByPlaceholder('session_id').fill('from-the-page')
    await operation.getByRole('button', { name: 'Execute' }).click()
    const answer = operation.locator('.live-responses-table .response')
    await answer.waitFor()
    expect(await answer.locator('.response-col_status').textContent()).toStartWith('201')
    await page.close()

    const session = await (await server.call('/v1/chat/sessions/from-the-page/messages')).json()
    expect(session).toMatchObject({ messages: [{ role: 'user', content: 'Hello there!' }] })
    expect(browser.faults).toEqual([])
  })
})
