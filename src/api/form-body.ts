import { Refusal } from '../domain/refusal.ts'
import { Turns } from '../domain/turns.ts'

/** Of what stands before the bytes of a part, and of parts at all: what else a form may hold is read over, within these. */
const HEAD_BYTES = 16_384
const PARTS_MAX = 40
/** Shorter than what an upload left behind is kept for: nothing is taken away from under one that goes on. */
const FORM_MS = 1_800_000

/** Without anything of it for so long a form loses its turn. */
const TURN_IDLE_MS = 300
/** A sender whose bytes come in smaller pieces is slower than we are: nothing piles up, and it needs no turn. */
const SLOW_BYTES = 65_536
/** A caller may be silent for this long while we read, and is held for this long while we do not. In seconds. */
const READING_SECONDS = 30
const WAITING_SECONDS = 255

/**
 * So many forms are read at once in one process; the others wait with the megabyte each that the runtime takes of a request
 * which nobody reads. All at once would have twice as much, and as much again in what was read and is not written yet.
 */
export function formTurns(): Turns {
  return new Turns({ atOnce: 3, waiting: 1000 })
}

/** What a form is read with. `wait` has the server hold the caller so many seconds in which neither side sends anything. */
export type FormReading = { request: Request; turns: Turns; wait(seconds: number): void }

const LINE = Buffer.from('\r\n')
const BLANK = Buffer.from('\r\n\r\n')

const TOO_MANY = [{ loc: ['body'], msg: 'The form has too many parts.', type: 'too_big' }]

/** What a part says of itself. `filename` as it was sent: what of it is a path is for its reader to tell. */
export type PartHead = { name: string | undefined; filename: string | undefined }

/**
 * A form, read as the request brings it: no more of it than is asked for, and never more than one chunk of the request held.
 * Throws `Refusal('not_multipart')` where it is none, `Refusal('upload_broken')` where it is cut off, or takes half an hour.
 */
export class FormBody {
  readonly #reading: FormReading
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  /** Whether the first part has begun. Until then the delimiter needs no line before it. */
  #begun = false
  #delimiter: Buffer
  #endTurn: (() => void) | undefined
  #slow = false
  readonly #timer: Timer
  #late = false
  /** Of what came, what nobody has taken yet. */
  #window: Uint8Array = new Uint8Array(0)
  /** Whether the rest of a part comes next. What stands before the first part is nothing but that. */
  #inPart = true

  constructor(reading: FormReading) {
    const { request } = reading
    const boundary = boundaryOf(request.headers.get('content-type') ?? '')
    if (boundary === undefined) throw new Refusal('not_multipart')
    this.#delimiter = Buffer.from(`--${boundary}`)
    this.#reading = reading
    this.#timer = setTimeout(() => {
      this.#late = true
      this.#cancel()
    }, FORM_MS)
    reading.wait(WAITING_SECONDS)
    // Where the other side has gone nothing else tells of that while nothing comes.
    request.signal.addEventListener('abort', this.#cancel, { once: true })
  }

  readonly #cancel = () => void this.#reader?.cancel().catch(() => {})

  /** The parts, one after the other: what nobody took of one is read over when the next one is asked for. */
  async *parts(): AsyncGenerator<PartHead> {
    for (let count = 0; ; count += 1) {
      for await (const _ of this.rest());
      if (await this.#atEnd()) return
      if (count >= PARTS_MAX) throw new Refusal('invalid', { issues: TOO_MANY })
      const head = headOf(await this.#head())
      if (!this.#begun) this.#delimiter = Buffer.concat([LINE, this.#delimiter])
      this.#begun = true
      this.#inPart = true
      yield head
    }
  }

  /** What is left of the part's bytes. Each chunk is there until the next one is asked for, and no longer. */
  async *rest(): AsyncGenerator<Uint8Array> {
    while (this.#inPart) {
      const end = this.#indexOf(this.#delimiter)
      const sure = end === -1 ? this.#sure() : end
      if (sure > 0) yield this.#take(sure)
      if (end === -1) await this.#more()
      else {
        this.#take(this.#delimiter.length)
        this.#inPart = false
        // What becomes of the part may take its time.
        if (this.#begun) this.#pause()
      }
    }
  }

  /** Nothing more is read. May be called again. */
  close(): void {
    clearTimeout(this.#timer)
    this.#reading.request.signal.removeEventListener('abort', this.#cancel)
    this.#cancel()
    this.#giveTurn()
  }

  async #atEnd(): Promise<boolean> {
    while (this.#window.length < 2) await this.#more()
    return this.#window[0] === 45 && this.#window[1] === 45
  }

  /** The lines before a part's bytes, each with the end of the one before it. */
  async #head(): Promise<string> {
    let end = this.#indexOf(BLANK)
    while (end === -1 && this.#window.length <= HEAD_BYTES) {
      await this.#more()
      end = this.#indexOf(BLANK)
    }
    if (end === -1 || end > HEAD_BYTES) throw new Refusal('upload_broken')
    const lines = new TextDecoder().decode(this.#take(end))
    this.#take(BLANK.length)
    return lines
  }

  /** How much of the window is none of a delimiter: its end may be the beginning of one. */
  #sure(): number {
    const { length } = this.#window
    for (let start = Math.max(0, length - this.#delimiter.length + 1); start < length; start += 1) {
      const begun = this.#delimiter.subarray(0, length - start)
      if (this.#window[start] === begun[0] && begun.equals(this.#window.subarray(start))) return start
    }
    return length
  }

  #indexOf(bytes: Buffer): number {
    const { buffer, byteOffset, byteLength } = this.#window
    return Buffer.from(buffer, byteOffset, byteLength).indexOf(bytes)
  }

  #take(length: number): Uint8Array {
    const taken = this.#window.subarray(0, length)
    this.#window = this.#window.subarray(length)
    return taken
  }

  /** Puts what comes next behind what is left, and ends what was taken. */
  async #more(): Promise<void> {
    this.#shrink()
    const chunk = await this.#next()
    const left = this.#window
    if (left.length === 0) this.#window = chunk
    else {
      this.#window = new Uint8Array(left.length + chunk.length)
      this.#window.set(left)
      this.#window.set(chunk, left.length)
      release(left)
      release(chunk)
    }
  }

  /** Ends what was taken, where that is most of it: it may be a megabyte. */
  #shrink(): void {
    const { buffer, length } = this.#window
    if (length > buffer.byteLength / 2) return
    this.#window = Uint8Array.from(this.#window)
    release(new Uint8Array(buffer))
  }

  /** A chunk whose memory nobody else has. */
  async #next(): Promise<Uint8Array> {
    const { request, turns, wait } = this.#reading
    if (!this.#slow) this.#endTurn ??= await turns.begin()
    this.#assertWanted()
    wait(READING_SECONDS)
    // Not before: of what somebody has begun to read the runtime takes another megabyte.
    this.#reader ??= request.body?.getReader()
    const idle = setTimeout(() => this.#giveTurn(), TURN_IDLE_MS)
    const read = this.#reader?.read() ?? Promise.resolve({ done: true as const, value: undefined })
    const { done, value } = await read
      .catch((cause: unknown) => {
        throw new Refusal('upload_broken', { cause })
      })
      .finally(() => clearTimeout(idle))
    this.#assertWanted()
    if (done) throw new Refusal('upload_broken')
    this.#slow = value.length < SLOW_BYTES
    if (this.#slow) this.#giveTurn()
    return value.length === value.buffer.byteLength ? value : Uint8Array.from(value)
  }

  #assertWanted(): void {
    if (this.#late || this.#reading.request.signal.aborted) throw new Refusal('upload_broken')
  }

  /** While something else is done. */
  #pause(): void {
    this.#shrink()
    this.#giveTurn()
    this.#reading.wait(WAITING_SECONDS)
  }

  #giveTurn(): void {
    this.#endTurn?.()
    this.#endTurn = undefined
  }
}

/**
 * Gives the memory back now. The collector comes for it much later than uploads at full speed fill it: it sees small
 * objects, not the megabytes behind them.
 */
function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}

function boundaryOf(type: string): string | undefined {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))/i.exec(type) ?? []
  return quoted ?? plain
}

function headOf(lines: string): PartHead {
  const disposition = /\r\ncontent-disposition:[ \t]*form-data[ \t]*(;[^\r]*)/i.exec(lines)?.[1] ?? ''
  const said = new Map<string, string>()
  for (const [, name = '', quoted, plain = ''] of disposition.matchAll(
    /;\s*([^\s=;]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g,
  ))
    said.set(name.toLowerCase(), quoted?.replace(/\\(["\\])/g, '$1') ?? plain)
  return { name: said.get('name'), filename: extended(said.get('filename*')) ?? said.get('filename') }
}

/** RFC 8187, as some send names that are not ASCII. */
function extended(value: string | undefined): string | undefined {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(value ?? '') ?? []
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}
