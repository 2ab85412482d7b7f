import { Metadata } from '../../contract/chats.ts'
import { isPrivileged, type Participant } from '../accounts/actor.ts'
import { Refusal } from '../refusal.ts'
import { isAgent } from './agents.ts'

/** Where a session's metadata says what the embedding product's back end vouches for of a visitor: no customer's to write. */
const KEY = 'visitor'

/** The metadata of a session that the actor opens. Throws `Refusal('invalid')` where it is too much. */
export function foundedWith(actor: Participant, said: Metadata): Metadata {
  if (actor.kind !== 'visitor') return isTrusted(actor) ? said : without(said)
  const { name, metadata } = actor
  const isKnown = name !== null || Object.keys(metadata).length > 0
  return bounded({ ...without(said), ...(isKnown ? { [KEY]: { name, metadata } } : {}) })
}

/** The metadata of a session, said anew by the actor. */
export function saidAnew(actor: Participant, said: Metadata, before: Metadata): Metadata {
  if (isTrusted(actor)) return said
  const vouched = before[KEY]
  return bounded({ ...without(said), ...(vouched === undefined ? {} : { [KEY]: vouched }) })
}

function isTrusted(actor: Participant): boolean {
  return isPrivileged(actor) || isAgent(actor)
}

function without({ [KEY]: _, ...rest }: Metadata): Metadata {
  return rest
}

function bounded(metadata: Metadata): Metadata {
  if (Metadata.safeParse(metadata).success) return metadata
  const msg = 'With what is known of the visitor, metadata is at most 8 KiB of JSON.'
  throw new Refusal('invalid', { issues: [{ loc: ['body', 'metadata'], msg, type: 'too_big' }] })
}
