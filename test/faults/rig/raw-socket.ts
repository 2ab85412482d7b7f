import { connect, type Socket } from 'node:net'

const TEXT = 1
const CLOSE = 8
const PING = 9
const PONG = 10
/** From this on a frame's length is in bytes of its own: how many, by what is in the length's place. */
const LONG = 126
const LENGTH_BYTES: Readonly<Record<number, number>> = { [LONG]: 2, 127: 8 }

/**
 * A WebSocket spoken over bare TCP: it can stop taking bytes from the system, so that they pile up at the server, and it
 * sends what it is told to, however fast.
 */
export class RawSocket {
  readonly #socket: Socket
  #received: Buffer[] = []
  #length = 0
  #parts: Buffer[] = []
  #onText: (text: string) => void
  #headers: PromiseWithResolvers<void> | undefined = Promise.withResolvers()
  #closeCode: number | undefined
  /** The code of the server's close frame; `undefined` where the connection ended without one. */
  readonly closed: Promise<number | undefined>

  private constructor(socket: Socket, onText: (text: string) => void) {
    this.#socket = socket
    this.#onText = onText
    const closed = Promise.withResolvers<number | undefined>()
    this.closed = closed.promise
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#headers?.reject(new Error('The server ended the connection before it was a socket'))
      closed.resolve(this.#closeCode)
    })
  }

  /** `address`: `http://…`. Resolves once the server has taken the upgrade. */
  static async open(
    address: string,
    path: string,
    headers: Record<string, string>,
    onText: (text: string) => void,
  ): Promise<RawSocket> {
    const { hostname, port, host } = new URL(address)
    const socket = connect({ host: hostname, port: Number(port) })
    const opened = new RawSocket(socket, onText)
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64')}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    await opened.#headers?.promise
    return opened
  }

  /** Takes nothing more from the system. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  send(...texts: string[]): void {
    this.#socket.write(Buffer.concat(texts.map((text) => frame(TEXT, Buffer.from(text)))))
  }

  /** As a process that dies. */
  destroy(): void {
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    this.#received.push(bytes)
    this.#length += bytes.length
    if (this.#headers !== undefined) this.#readHeaders()
    if (this.#headers === undefined) this.#readFrames()
  }

  #readHeaders(): void {
    const bytes = this.#all()
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1) return
    const [status = ''] = bytes.toString('latin1', 0, end).split('\r\n')
    if (status.includes(' 101')) this.#headers?.resolve()
    else this.#headers?.reject(new Error(`No socket: ${status}`))
    this.#headers = undefined
    this.#keep(bytes.subarray(end + 4))
  }

  #readFrames(): void {
    if (this.#length < 2) return
    let bytes = this.#all()
    for (let next = frameIn(bytes); next !== undefined; next = frameIn(bytes)) {
      this.#hear(next)
      bytes = bytes.subarray(next.end)
    }
    this.#keep(bytes)
  }

  #hear({ final, opcode, payload }: Frame): void {
    if (opcode === CLOSE) {
      this.#closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005
      this.#socket.end(frame(CLOSE, payload.subarray(0, 2)))
    } else if (opcode === PING) this.#socket.write(frame(PONG, payload))
    else if (opcode !== PONG) {
      this.#parts.push(payload)
      if (!final) return
      const text = Buffer.concat(this.#parts).toString()
      this.#parts = []
      this.#onText(text)
    }
  }

  #all(): Buffer {
    const [only] = this.#received
    return this.#received.length === 1 && only !== undefined ? only : Buffer.concat(this.#received)
  }

  #keep(bytes: Buffer): void {
    this.#received = bytes.length > 0 ? [bytes] : []
    this.#length = bytes.length
  }
}

type Frame = { final: boolean; opcode: number; payload: Buffer /** Where the next frame begins. */; end: number }

/** The first frame, where it is whole. A server's frames have no mask. */
function frameIn(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined
  const [first = 0, second = 0] = bytes
  const extended = LENGTH_BYTES[second & 0x7f] ?? 0
  const start = 2 + extended
  if (bytes.length < start) return undefined
  // Six bytes are as many as a number holds: no frame is longer.
  const length = extended === 0 ? second & 0x7f : bytes.readUIntBE(start - Math.min(extended, 6), Math.min(extended, 6))
  const end = start + length
  if (bytes.length < end) return undefined
  return { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload: bytes.subarray(start, end), end }
}

/** A client's frame, of at most 65,535 bytes. Its mask is zeros: that is allowed, and spares the work. */
function frame(opcode: number, payload: Buffer): Buffer {
  const long = payload.length >= LONG
  const head = Buffer.alloc(long ? 8 : 6)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (long ? LONG : payload.length)
  if (long) head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}
