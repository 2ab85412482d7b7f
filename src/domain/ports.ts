import type { FileReference } from '../contract/chats.ts'
import type { SessionPage, SessionSummary } from '../contract/sessions.ts'
import type { Promoted, SessionRef } from './sessions/events.ts'

/** Hears one channel. Both calls are synchronous and must not throw. */
export interface BusListener {
  message(payload: string): void
  /**
   * Payloads may have been missed. Called when the bus is lost and once more when it is back: what is read after that last
   * call leaves no gap. The subscription stays.
   */
  lost(): void
}

/**
 * Wakes readers up, on every instance. Promises:
 * - once `subscribe` has resolved, every payload published afterwards reaches the listener, in the order of publishing,
 *   or `lost` is called;
 * - a payload is delivered at most once, and nothing is kept for those who come later;
 * - a bus that cannot be reached makes `subscribe` and `publish` throw `Refusal('storage_unavailable')`, within seconds;
 * - it resumes by itself when it can be reached again.
 */
export interface Bus {
  publish(channel: string, payload: string): Promise<void>
  /** Resolves to the call that ends the subscription; that call never throws and may be repeated. */
  subscribe(channel: string, listener: BusListener): Promise<() => void>
}

/** A session as of one moment. */
export interface SessionSnapshot {
  /** The position of the session's last change; 0 for a session that is not there. */
  position: number
  /** The JSON text of each `SessionMessage`, oldest first: encoded once, when it was posted. */
  messages: readonly string[]
  /** Once the session has become a chat, which was its last change. */
  promoted?: Promoted
}

/** The chat that a session is to become, and the account that it is to belong to. */
export interface SessionSeal {
  chatId: string
  accountId: string
}

/** What a session may hold and for how long. */
export interface SessionLimits {
  ttlSeconds: number
  /** The oldest messages go first once there are more. */
  maxMessages: number
  /** The oldest messages go first once their JSON has more bytes (UTF-8); the newest always stays. */
  maxBytes: number
}

/**
 * Keeps sessions that expire. Promises:
 * - a change (append, clear, promoted) renews the session's time to live, and so does a seal; a read does not;
 * - a change is atomic: it is stored, given the next position, and published on `sessionChannel` as `sessionEvent` text,
 *   or none of these;
 * - positions of one session grow by 1 with each change; a session that expired and came back starts above all that it
 *   ever used, so that an old position is never mistaken for a new one;
 * - a session that is sealed keeps its messages as they are: append and clear throw `Refusal('session_promoted')`, with
 *   nothing stored, until it is unsealed or expires;
 * - a store that cannot be reached throws `Refusal('storage_unavailable')`, within seconds.
 */
export interface SessionStore {
  /** `message` is the JSON text of a `SessionMessage`. Resolves to its position. */
  append(session: SessionRef, message: string): Promise<number>
  /** The same, and the session right after this change. */
  appendAndRead(session: SessionRef, message: string): Promise<SessionSnapshot>
  read(session: SessionRef): Promise<SessionSnapshot>
  /** Removes the messages. Clearing an empty session is a change as well. */
  clear(session: SessionRef): Promise<void>
  /** The owner's sessions that hold messages, by session_id, from an index that expires with them. */
  list(owner: string, page: SessionPage): Promise<SessionSummary[]>
  /**
   * Seals the session, unless it is sealed already. Resolves to the seal that it has now, which is the first one's, and to
   * its messages; to `undefined`, with nothing sealed, where it has none.
   */
  seal(session: SessionRef, seal: SessionSeal): Promise<{ seal: SessionSeal; messages: readonly string[] } | undefined>
  /** Takes changes again. Does nothing unless the session is sealed for this chat, and not yet `promoted`. */
  unseal(session: SessionRef, chatId: string): Promise<void>
  /** Tells that the chat is there. Does nothing unless the session is sealed for it; told again, it is no change. */
  promoted(session: SessionRef, promoted: Promoted): Promise<void>
}

/** A dependency that the health report asks. */
export interface Probe {
  /** Resolves when it answers, throws when it does not. */
  check(): Promise<void>
}

/** One entry of a conversation, as an answerer is told of it. */
export type AnswerTurn = { role: 'user' | 'assistant' | 'system'; content: string }

/** What an answer is made from. */
export interface AnswerRequest {
  chatId: string
  /** The assistant's message that the answer writes. */
  messageId: string
  /** This run: a message that is continued, or tried again, has several. */
  answerId: string
  /** How the assistant is to behave, where somebody said so. */
  systemPrompt: string | null
  /** What was said before, oldest first, without the message itself and with nothing that is empty. */
  history: readonly AnswerTurn[]
  /** What is to be answered. */
  message: string
  /** What is in the files that came with it, to be said right behind it; empty where there are none. */
  attached: string
  /** What the answer says already: go on right after it. Empty for a new one. */
  begun: string
  /** Whether people go on where the AI cannot: what is told of them may end the answer with `person`. */
  mayAskForPerson: boolean
  limits: {
    /** Milliseconds since 1970: after that nobody waits for the rest. */
    endsAt: number
    /** UTF-16 code units that are taken; what comes after those is left out. */
    length: number
  }
  /** Aborted when nobody wants the rest any more: stop, and release what you hold. */
  signal: AbortSignal
}

/** What an answer is based on. */
export type AnswerSource = { title: string; url?: string | undefined; content?: string | undefined }

/** In tokens, as the model counted them. */
export type AnswerUsage = { input_tokens: number; output_tokens: number }

/** A piece of an answer, in the order of its making. */
export type AnswerPart =
  /** The next piece of the text: any length, not empty. Half of a surrogate pair at its end waits for the next. */
  | { type: 'text'; text: string }
  | { type: 'source'; source: AnswerSource }
  /** The last one counts. */
  | { type: 'usage'; usage: AnswerUsage }
  /** A person is to go on from here: the last part. */
  | { type: 'person' }
  /** Another service has taken the request, and calls back with the rest: the last part. */
  | { type: 'handed_over' }

/**
 * Answers messages. Promises:
 * - `answer` ends when the answer is whole, and soon after the signal is aborted;
 * - where no answer can be made it throws an `AnswerFault`, whose reason a person may read: no secret is in it. Anything
 *   else that it throws is a fault of ours, and told to the log alone;
 * - it tries once: whether to try again is for the caller to say.
 */
export interface Answerer {
  /** What the answers table calls it. */
  readonly name: 'demo' | 'openai' | 'callback'
  /** What the message says where nothing of an answer came; not given: nothing. */
  readonly apology?: string
  answer(request: AnswerRequest): AsyncIterable<AnswerPart>
}

/** One run of an answerer, and where what it says is told. */
export type AnswerRef = { chatId: string; messageId: string; answerId: string }

/**
 * What became of a piece of an answer. Lengths and offsets are in UTF-16 code units. `gap`: the text is only `length` long,
 * nothing was appended. `finished`: nothing is appended any more. `missing`: never opened, expired, or lost.
 */
export type Appended =
  | { outcome: 'appended' | 'repeated' | 'gap'; length: number }
  | { outcome: 'finished' | 'missing' }

/**
 * The same of a numbered piece, of which some may be still on their way. `full`: too much waits for those already. `ending`:
 * what `endPieces` was given, where all pieces that it waited for are there now.
 */
export type Pieced =
  | { outcome: 'appended'; length: number; ending?: string }
  | { outcome: 'repeated'; ending?: string }
  | { outcome: 'held' | 'full' }
  | { outcome: 'finished' | 'missing' }

/**
 * Keeps the text of answers while they are made, for all who watch. Promises:
 * - each call is atomic, on whichever instance it is made, and has happened for all once it resolves;
 * - what is appended is published on the chat's channel as `answerDelta` text, in the order of the text, without gaps;
 * - `finish` is final: after it has resolved what it resolved to never changes, and nothing more is published;
 * - an answer is kept for its time to live after the last call that changed it, and for a while after it is finished;
 * - a text is given as it was appended; it must be well-formed. Of a piece that may be cut anywhere, also through a
 *   character: its first half is told with the other one, and a half alone becomes U+FFFD, at the end once it is finished;
 * - a store that cannot be reached throws `Refusal('storage_unavailable')`, within seconds.
 */
export interface AnswerBuffer {
  /** Begins with this text, which is not published. One that is open, or finished, stays as it is. */
  open(answer: AnswerRef, begun: string): Promise<void>
  /** It was opened for nothing, and nobody was told of it: as if it had never been. */
  drop(answer: AnswerRef): Promise<void>
  /** Appends where the text is exactly `offset` long. An offset before its end is a repeat, and changes nothing. */
  append(answer: AnswerRef, offset: number, text: string): Promise<Appended>
  /**
   * Appends a piece that has its number in a row, from 0: once, and after all before it. Until those are there it is held;
   * a number that came already is a repeat. One without a number goes to the end.
   */
  addPiece(answer: AnswerRef, number: number | null, text: string): Promise<Pieced>
  /**
   * Says that there are `count` pieces, or where that is not known those that came. Where they are all there it resolves to
   * `appended`, else to `held`, and keeps `ending` for who adds the last of them.
   */
  endPieces(answer: AnswerRef, count: number | null, ending: string): Promise<Pieced>
  read(answer: AnswerRef): Promise<{ text: string; finished: boolean } | undefined>
  /**
   * Resolves to the whole text, and to the `ending` of whoever finished it first; to `undefined` where there is none. What
   * `endPieces` was given comes before all others where its pieces are all there.
   */
  finish(answer: AnswerRef, ending: string): Promise<{ text: string; ending: string } | undefined>
  /** Those that are not finished and end with this process; none where other processes have them too. */
  endingHere(): readonly AnswerRef[]
}

/**
 * Keeps bytes by names of ours (`BLOB_NAME`). Promises:
 * - `write` is atomic and durable: once it has resolved a reader gets all of it, also after a crash; where it throws, or the
 *   process ends meanwhile, there is nothing under that name. It takes the bytes as they come, and never holds them all: a
 *   chunk need not be there any more once the next one is asked for;
 * - what the source of the bytes throws, `write` throws as it is;
 * - a name is written once; what is there is never changed;
 * - removing what is not there does nothing, and takes away what a cut-off `write` of that name has left;
 * - a store that is full or cannot be reached throws `Refusal('file_storage_unavailable')`.
 */
export interface BlobStore {
  write(name: string, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** The bytes from `start` up to and without `end`; all of them where neither is given. `undefined` where there is none. */
  read(name: string, range?: { start: number; end: number }): Promise<ReadableStream<Uint8Array> | undefined>
  remove(name: string): Promise<void>
}

/** The names of a `BlobStore`. A name that is none of these throws `RangeError`. */
export const BLOB_NAME = /^[a-z0-9][a-z0-9-]{2,99}$/

/** Tells what a file is by its first bytes, whatever it is called. `undefined` where they say nothing. */
export type FileTyper = (head: Uint8Array) => Promise<{ mime: string } | undefined>

/** As much of a file as tells how to read it. */
export type FileToRead = Pick<FileReference, 'name'> & { mime: string; type: FileReference['file_type']; size: number }

/** What was made of a file. `failed`: nothing can be, however often it is tried. `reason` is for its owner. */
export type Extracted = {
  failed: boolean
  content: string | null
  reason: string | null
  /** A webp. */
  preview: Uint8Array | undefined
}

/** Reading a file failed in a way that may pass. The message is for its owner. */
export class ExtractionFault extends Error {
  override readonly name = 'ExtractionFault'
}

/**
 * Makes text and a picture of files. Promises: it ends, within a minute and within bounds, whatever is in the file; text is
 * bounded, well-formed and without NUL; a fault of its own, or of what it asks, throws `ExtractionFault`.
 */
export interface Extractor {
  extract(file: FileToRead, open: () => Promise<ReadableStream<Uint8Array>>, signal: AbortSignal): Promise<Extracted>
}

export type JobQueue = 'file' | 'sweep' | 'keep' | 'logins' | 'chats'
export type JobData = Readonly<Record<string, string>>

/**
 * Work that outlives the process. Promises:
 * - once `send` has resolved the job is done at least once, by whichever process works on its queue, also after crashes;
 * - while a job with the same key waits or is worked on, another is not made;
 * - a job that throws is tried again later, less and less often; one that is ended as `dead` is not, and is kept with its
 *   reason for a person to look at.
 */
export interface Jobs {
  send(queue: JobQueue, data: JobData, key: string): Promise<void>
}

/** Does one job, which may have been done before. The signal tells that nobody waits for it any more. */
export type JobHandler = (data: JobData, signal: AbortSignal) => Promise<{ dead: string } | undefined>
