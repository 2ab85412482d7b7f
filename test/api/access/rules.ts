import type { Caller, Things } from './world.ts'

/** What each caller is answered with: a status, and with a refusal its reason. */
export type Rule = Record<Caller, string>

export type Row = {
  rule: Rule
  /** What stands for some of the places in its path. */
  things?: Partial<Record<keyof Things, (things: Things) => string>>
  /** What the call needs beyond its path. */
  query?: (things: Things) => Record<string, string>
  body?: (things: Things) => unknown
  /** The field of a form with a file in it. */
  file?: string
  form?: (things: Things) => Record<string, string>
  /** The call ends accounts or logins: it gets people of its own. */
  consumes?: true
}

const UNAUTHENTICATED = '401 unauthenticated'
const INVALID = '401 token_invalid'
const NOT_FOR_VISITORS = '403 not_for_visitors'

/** Open to all, also to who shows a token that is no good. */
export function everyone(answer: string): Rule {
  return {
    anonymous: answer,
    expired: answer,
    owner: answer,
    other: answer,
    agent: answer,
    admin: answer,
    service: answer,
    visitor: answer,
    customer: answer,
  }
}

/** For whoever is signed in to an account. */
export function signedIn(answer: string, service = answer): Rule {
  return {
    ...everyone(answer),
    anonymous: UNAUTHENTICATED,
    expired: INVALID,
    service,
    visitor: NOT_FOR_VISITORS,
    customer: NOT_FOR_VISITORS,
  }
}

/** For the owner of the chat, admins and back ends; others are told that there is none, or what the API says. */
export function ownChat(answer: string, { refusal = '404 chat_missing', service = answer } = {}): Rule {
  return { ...signedIn(answer, service), other: refusal, agent: refusal }
}

/** For the owner of the file, admins and back ends; to others it is not there. */
export function ownFile(answer: string, service = answer): Rule {
  const refusal = '404 file_missing'
  return { ...signedIn(answer, service), other: refusal, agent: refusal }
}

/** The same where a visitor is let in too, to files of messages of support: this is none. */
export function ownFileOrSupport(answer: string): Rule {
  const refusal = '404 file_missing'
  return { ...ownFile(answer), visitor: refusal, customer: refusal }
}

/** For the owner of the desk session alone: to whoever else, it is not there. */
export function ownSession(answer: string): Rule {
  const refusal = '404 session_missing'
  return { ...signedIn(answer, refusal), other: refusal, agent: refusal, admin: refusal }
}

/** For the customer of the support session, agents, admins and back ends; to others it is not there. */
export function ownSupport(answer: string, { agent = answer, refusal = '404 session_missing' } = {}): Rule {
  return { ...signedIn(answer), other: refusal, agent, visitor: refusal, customer: answer }
}

/** For agents, admins and back ends. */
export function staff(answer: string, { agent = answer, service = answer } = {}): Rule {
  const refusal = '403 forbidden'
  return { ...signedIn(answer, service), owner: refusal, other: refusal, agent }
}

/** For the account whose session it is; others have none of that name, and a back end is nobody. */
export function ownConversation(answer: string): Rule {
  return { ...signedIn('404 session_empty', '403 account_needed'), owner: answer }
}

/** For admins and back ends. */
export function admins(answer: string): Rule {
  const refusal = '403 forbidden'
  return { ...signedIn(answer), owner: refusal, other: refusal, agent: refusal }
}

/** For back ends alone. */
export function backEnds(answer: string): Rule {
  const refusal = '403 service_needed'
  return signedIn(refusal, answer)
}

/** The same where a visitor is let in too: to whom a chat that is none of support's is not there. */
export function ownChatOrSupport(answer: string): Rule {
  return { ...ownChat(answer), visitor: '404 chat_missing', customer: '404 chat_missing' }
}
