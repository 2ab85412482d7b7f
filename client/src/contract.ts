/** What the server promises, as zod schemas and tables: what it takes, answers, refuses, and closes sockets with. */
// biome-ignore lint/performance/noBarrelFile: the package's entry
export { CLOSE_CODES, type CloseName } from '../../src/contract/close-codes.ts'
export { FAILURES, type Failure, InternalBody, InvalidBody, Issue, type Reason } from '../../src/contract/failures.ts'
export { Health, Liveness } from '../../src/contract/health.ts'
export {
  Conversation,
  NewSessionMessage,
  SESSION_PAGE_MAX,
  SessionId,
  SessionMessage,
  SessionPage,
  SessionPageQuery,
  SessionRole,
  SessionServerFrame,
  SessionSummary,
  SessionWatchEvent,
} from '../../src/contract/sessions.ts'
export { CONTENT_MAX, Content, Timestamp } from '../../src/contract/text.ts'
