import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

/** What the worker is told, and what it tells. */
export type Order = { type: 'open'; dataDir: string; whole: string; socket: string } | { type: 'close' }
export type Report = { type: 'open' } | { type: 'closed' } | { type: 'failed'; message: string }

declare const self: Worker

let database: PGlite | undefined
let server: PGLiteSocketServer | undefined

self.onmessage = ({ data }: MessageEvent<Order>) => {
  const done = data.type === 'open' ? open(data) : close()
  done.catch((fault: unknown) => fail(fault))
}

async function open({ dataDir, whole, socket }: Order & { type: 'open' }): Promise<void> {
  if (!existsSync(whole)) rmSync(dataDir, { recursive: true, force: true })
  rmSync(socket, { force: true })
  database = await PGlite.create(dataDir)
  writeFileSync(whole, '')
  surfaceCrashes(database)
  // More than one only so that a connection can follow another at once; the driver never holds two.
  server = new PGLiteSocketServer({ db: database, path: socket, maxConnections: 4 })
  await server.start()
  chmodSync(socket, 0o600)
  report({ type: 'open' })
}

async function close(): Promise<void> {
  await server?.stop()
  await database?.close()
  report({ type: 'closed' })
}

/** The socket server would wait forever after an engine that broke down. */
function surfaceCrashes(engine: PGlite): void {
  const run = engine.execProtocolRawStream.bind(engine)
  engine.execProtocolRawStream = async (...args) => {
    try {
      await run(...args)
    } catch (fault) {
      fail(fault)
      throw fault
    }
  }
}

function fail(fault: unknown): void {
  report({ type: 'failed', message: fault instanceof Error ? fault.message : String(fault) })
}

function report(message: Report): void {
  self.postMessage(message)
}
