import type { Treaty } from '@elysiajs/eden/treaty2'
import type { TRPCClientError } from '@trpc/client'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import type {
  AnswerDelta,
  AnswerSnapshot,
  BranchTree,
  ChatEvent,
  ChatWithMessages,
  Conversation,
  HistoryPage,
  Issue,
  Message,
  NewSessionMessage,
  Reason,
  SessionSummary,
  SessionWatchEvent,
  Watching,
  Chat as WholeChat,
} from '../../client/src/contract.ts'
import type { ChatView, Client, Live, LiveItem } from '../../client/src/index.ts'
import type { Router } from '../../client/src/trpc.ts'
import type { Equal, Flaws, Holds, NoneOf, RouteFlaws } from './flaws.ts'

// Whatever a client sends or gets is checked by the compiler, at every route and procedure.

export type Routes = NoneOf<RouteFlaws<Client>>
export type ProcedureInputs = NoneOf<Flaws<inferRouterInputs<Router>, 'input'>>
export type ProcedureOutputs = NoneOf<Flaws<inferRouterOutputs<Router>, 'output'>>
export type ProcedureErrors = NoneOf<Flaws<TRPCClientError<Router>['data'], 'error'>>

export type LiveItems = NoneOf<Flaws<LiveItem, 'item'>>
/** What `error` may be is for `instanceof`. */
export type LiveViews = NoneOf<Flaws<Omit<ChatView, 'error'>, 'view'>>
export type LivePosts = NoneOf<Flaws<Awaited<ReturnType<Live['post']>> | Parameters<Live['post']>, 'post'>>

// And it is what the contract says.

declare const client: Client
type List = typeof client.v1.chat.sessions.get
type Messages = ReturnType<typeof client.v1.chat.sessions>['messages']
type Post = Messages['post']

export type ListAnswers = Holds<Equal<Treaty.Data<List>, SessionSummary[]>>
export type ReadAnswers = Holds<Equal<Treaty.Data<Messages['get']>, Conversation>>
export type PostAnswers = Holds<Equal<Treaty.Data<Post>, Conversation>>
export type PostTakes = Holds<Equal<Parameters<Post>[0], NewSessionMessage>>
export type ListTakes = Holds<
  Equal<
    NonNullable<Parameters<List>[0]>['query'],
    { limit?: number | undefined; after?: string | undefined } | undefined
  >
>

type Promote = ReturnType<typeof client.v1.chat.sessions>['promote']['post']

// Of two statuses, whose two types the package's declarations keep apart.
export type PromoteAnswers = Holds<Treaty.Data<Promote> extends WholeChat ? true : false>
export type PromoteTakes = Holds<Equal<Parameters<Promote>[0], { title?: string | undefined } | undefined>>

type PostError = Treaty.Error<Post>
type Refused<Status> = Extract<PostError, { status: Status }>['value']

export type PostErrorStatuses = Holds<Equal<PostError['status'], 401 | 403 | 409 | 413 | 415 | 422 | 500 | 503>>
export type PostUnauthenticated = Holds<
  Equal<Refused<401>, { detail: string; reason: 'unauthenticated' | 'token_invalid' }>
>
export type PostForbidden = Holds<Equal<Refused<403>, { detail: string; reason: 'not_for_visitors' }>>
export type PostPromoted = Holds<Equal<Refused<409>, { detail: string; reason: 'session_promoted' }>>
export type PostTooLarge = Holds<Equal<Refused<413>, { detail: string; reason: 'body_too_large' }>>
export type PostNotJson = Holds<Equal<Refused<415>, { detail: string; reason: 'not_json' }>>
export type PostInvalid = Holds<Equal<Refused<422>, { detail: Issue[]; reason: 'invalid' }>>
export type PostFault = Holds<Equal<Refused<500>, { detail: string; reason: 'internal'; request_id: string }>>
export type PostUnavailable = Holds<
  Equal<Refused<503>, { detail: string; reason: 'storage_unavailable' | 'issuer_unavailable' }>
>

type Tracked<Stream> = Stream extends AsyncIterable<{ id: string; data: infer Event }> ? Event : never
type Outputs = inferRouterOutputs<Router>['sessions']
type ChatWatch = Tracked<inferRouterOutputs<Router>['chats']['watch']>

export type ChatWatchYields = Holds<
  ChatWatch extends Watching | ChatEvent | AnswerSnapshot | AnswerDelta ? true : false
>
export type ChatWatchTypes = Holds<
  Equal<ChatWatch['type'], (Watching | ChatEvent | AnswerSnapshot | AnswerDelta)['type']>
>
export type LiveChanges = Holds<Equal<Exclude<LiveItem, { type: 'watching' }>, ChatEvent>>
export type LivePostAnswers = Holds<Equal<Awaited<ReturnType<Live['post']>>, Message>>

export type ListOutput = Holds<Equal<Outputs['list'], SessionSummary[]>>
export type PostOutput = Holds<Equal<Outputs['post'], Conversation>>
export type WatchYields = Holds<Equal<Tracked<Outputs['watch']>, SessionWatchEvent>>
export type ErrorReason = Holds<Equal<NonNullable<TRPCClientError<Router>['data']>['reason'], Reason>>

type Chat = ReturnType<typeof client.api.chats>
type BranchHistory = ReturnType<Chat['branches']>['messages']['get']
type PostMessage = Chat['messages']['post']

export type ChatAnswers = Holds<Equal<Treaty.Data<Chat['get']>, ChatWithMessages>>
export type MessageAnswers = Holds<Equal<Treaty.Data<PostMessage>, Message>>
export type HistoryAnswers = Holds<Equal<Treaty.Data<BranchHistory>, HistoryPage>>
export type TreeAnswers = Holds<Equal<Treaty.Data<Chat['branches']['tree']['get']>, BranchTree>>
export type HistoryTakes = Holds<
  Equal<
    NonNullable<Parameters<BranchHistory>[0]>['query'],
    | {
        before?: number | undefined
        after?: number | undefined
        around?: number | undefined
        limit?: number | undefined
      }
    | undefined
  >
>
export type PostConflicts = Holds<
  Equal<
    Extract<Treaty.Error<PostMessage>, { status: 409 }>['value'],
    {
      detail: string
      reason: 'client_id_reused' | 'chat_archived' | 'session_ended' | 'answer_running' | 'too_many_answers'
    }
  >
>
