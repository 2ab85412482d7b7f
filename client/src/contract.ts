/** What the server promises, as zod schemas and tables: what it takes, answers, refuses, and closes sockets with. */
// biome-ignore lint/performance/noBarrelFile: the package's entry
export { Answering, AnsweringChange, ChatAnswering, ToldAnswering } from '../../src/contract/answering.ts'
export { AnswerDelta, AnswerSnapshot, AskedMessage } from '../../src/contract/answers.ts'
export { BranchTree, Divergence, DivergingEdit, NewBranch } from '../../src/contract/branch-calls.ts'
export { AnsweredQuestion, Line, LineBranch, LineHistory, QaPair, WholeTree } from '../../src/contract/branching.ts'
export {
  ChatPage,
  ChatWithMessages,
  EventPage,
  HistoryPage,
  HistoryQuery,
  MessageEdit,
  MessagePage,
  ReactionKey,
  ReadCursor,
} from '../../src/contract/chat-calls.ts'
export { ChatSocketFrame, ChatSocketServerFrame } from '../../src/contract/chat-socket.ts'
export { applyEvent, type ChatState, historyIn, NO_CHAT, type ReadState } from '../../src/contract/chat-state.ts'
export {
  Attachment,
  Branch,
  Chat,
  Message,
  MessageStatus,
  Metadata,
  NewChat,
  NewMessage,
  Reaction,
  SenderType,
} from '../../src/contract/chats.ts'
export { CLOSE_CODES, type CloseName } from '../../src/contract/close-codes.ts'
export { DeskMessage, DeskSession, NewDeskMessage, NewDeskSession } from '../../src/contract/desk.ts'
export { ChatEvent, type ChatEventType } from '../../src/contract/events.ts'
export { MessageExtension, NewExtension } from '../../src/contract/extensions.ts'
export { FAILURES, type Failure, InternalBody, InvalidBody, Issue, type Reason } from '../../src/contract/failures.ts'
export { Health, Liveness } from '../../src/contract/health.ts'
export { ChatSnapshot, LiveClientFrame, LiveEventBatch, LiveServerFrame, Watching } from '../../src/contract/live.ts'
export { SearchHit, SearchQuery, SearchResult } from '../../src/contract/search.ts'
export {
  Conversation,
  NewSessionMessage,
  SESSION_PAGE_MAX,
  SessionId,
  SessionMessage,
  SessionPage,
  SessionPageQuery,
  SessionPromotion,
  SessionRole,
  SessionServerFrame,
  SessionSummary,
  SessionWatchEvent,
} from '../../src/contract/sessions.ts'
export {
  NewSupportMessage,
  NewSupportSession,
  SupportMessage,
  SupportSession,
  SupportSessionChange,
  SupportSessionWithMessages,
  SupportState,
  SupportStatus,
} from '../../src/contract/support.ts'
export {
  AgentState,
  AgentStateChange,
  SupportNote,
  SupportQueue,
  SupportStatistics,
  SupportTransfer,
} from '../../src/contract/support-desk.ts'
export { DeskFrame } from '../../src/contract/support-feed.ts'
export { CONTENT_MAX, Content, Timestamp } from '../../src/contract/text.ts'
export { ChatDocument, TransferredMessage } from '../../src/contract/transfer.ts'
export { NewVisitor, VisitorToken } from '../../src/contract/visitors.ts'
