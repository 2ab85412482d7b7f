import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** For anything to appear: less than a test has, so that what was missing is told. */
const WAIT_MS = 90_000

/** Undefined where no Chromium is installed: tests of pages are left out there. */
export const browserPath = process.env['CHROMIUM_PATH'] || PLACES.find((place) => existsSync(place))

if (browserPath === undefined) {
  console.warn('Browser tests are left out: no Chromium found (install chromium, or set CHROMIUM_PATH).')
}

/** A browser that knows nothing of earlier ones, and what it got up to. */
export type TestBrowser = {
  context: BrowserContext
  /** Console errors, failed or refused requests, and requests to any host but the allowed: each in words. */
  faults: string[]
  close(): Promise<void>
}

/** Only `origin` can be reached. */
export async function openBrowser(origin: string): Promise<TestBrowser> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-browser-'))
  const context = await chromium.launchPersistentContext(directory, {
    ...(browserPath !== undefined && { executablePath: browserPath }),
    args: FLAGS,
    headless: true,
  })
  context.setDefaultTimeout(WAIT_MS)
  const faults: string[] = []
  await context.route('**/*', (route) => {
    const url = route.request().url()
    if (new URL(url).origin === origin) return route.continue()
    faults.push(`asked another host: ${url}`)
    return route.abort()
  })
  context.on('console', (line) => {
    if (line.type() === 'error' || line.type() === 'warning') faults.push(`console: ${line.text()}`)
  })
  context.on('weberror', (fault) => faults.push(`thrown: ${fault.error().message}`))
  context.on('requestfailed', (request) => faults.push(`failed: ${request.url()}`))
  context.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`)
  })
  return {
    context,
    faults,
    async close() {
      await context.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
