import { EventEmitter } from 'node:events'
import { connect, isIP, type NetConnectOpts, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

export type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-full'

/** What a wire may wait for an answer before it counts as dead. */
const SILENCE_MS = 5000

/** Length 8 and the number that asks a Postgres server for TLS. */
const TLS_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * A socket for postgres.js that breaks in one step. The driver takes the time between a socket's `error` and `close` for
 * a live connection: a query sent in it is answered by the next handshake, with no rows and no error. So a wire tells of
 * a fault as `error` only while it connects, afterwards as `close` alone, upon which the driver rejects what is in flight.
 */
export class Wire extends EventEmitter {
  readyState: 'opening' | 'open' | 'closed' = 'opening'
  #socket: Socket
  #connected = false
  #unsent: Uint8Array[] = []
  /** Since when the server owes an answer; 0 when it owes none. */
  #owedSince = 0

  constructor(address: NetConnectOpts, tls: TlsMode) {
    super()
    this.#socket = connect(address)
    this.#attend(this.#socket)
    const host = 'host' in address ? (address.host ?? '') : ''
    this.#socket.once('connect', () => (tls === 'disable' ? this.#flush() : this.#negotiate(tls, host)))
  }

  write(bytes: Uint8Array, done?: () => void): boolean {
    if (this.readyState === 'closed') return false
    if (this.#owedSince === 0) this.#owedSince = performance.now()
    if (this.readyState === 'open') return this.#socket.write(bytes, done)
    this.#unsent.push(bytes)
    return true
  }

  end(bytes: Uint8Array): void {
    if (this.readyState === 'open') this.#socket.end(bytes)
    else this.destroy()
  }

  destroy(): void {
    this.#break()
  }

  setKeepAlive(on: boolean, delay: number): void {
    this.#socket.setKeepAlive(on, delay)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Breaks when the server has owed an answer for too long: a hung server, or a network that swallows packets. */
  breakIfSilent(now: number): void {
    if (this.#owedSince !== 0 && now - this.#owedSince >= SILENCE_MS) this.#break()
  }

  #attend(socket: Socket): void {
    socket.setNoDelay(true)
    socket.on('error', (fault) => this.#break(fault))
    socket.on('close', () => this.#break())
    socket.on('drain', () => this.emit('drain'))
  }

  #negotiate(mode: TlsMode, host: string): void {
    const plain = this.#socket
    plain.once('data', (answer) => {
      if (answer[0] !== 0x53) {
        if (mode === 'prefer') this.#flush()
        else this.#break(tlsFault('the server does not offer it'))
        return
      }
      const options: ConnectionOptions = { socket: plain, rejectUnauthorized: mode === 'verify-full' }
      if (isIP(host) === 0) options.servername = host
      // From here on its faults are told by the TLS socket.
      plain.removeAllListeners()
      plain.on('error', () => {})
      const secure = connectTls(options)
      this.#socket = secure
      secure.once('secureConnect', () => this.#flush())
      secure.once('error', (fault) => this.#break(this.#connected ? fault : tlsFault(fault.message)))
      this.#attend(secure)
    })
    plain.write(TLS_REQUEST)
  }

  #flush(): void {
    this.readyState = 'open'
    this.#socket.on('data', (bytes) => {
      this.#connected = true
      this.#owedSince = 0
      this.emit('data', bytes)
    })
    for (const bytes of this.#unsent) this.#socket.write(bytes)
    this.#unsent = []
  }

  #break(fault?: Error): void {
    if (this.readyState === 'closed') return
    this.readyState = 'closed'
    this.#socket.destroy()
    if (!this.#connected) this.emit('error', fault ?? hungUp())
    this.emit('close', !this.#connected)
  }
}

function tlsFault(message: string): Error {
  return Object.assign(new Error(message), { code: 'TLS' })
}

function hungUp(): Error {
  return Object.assign(new Error('the server hung up'), { code: 'ECONNRESET' })
}
