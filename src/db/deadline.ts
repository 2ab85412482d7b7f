import { DrizzleQueryError } from 'drizzle-orm/errors'
import { Refusal } from '../domain/refusal.ts'
import { isConnectionFault } from './driver.ts'
import { codeOf } from './fault.ts'

/** How long a caller waits for the database. */
const DEADLINE_MS = 5000
/** Work that has not ended, whether or not its caller still waits: past this the database is as good as away. */
const UNSETTLED_MAX = 2000

export type Within = <T>(work: () => PromiseLike<T>) => Promise<T>

/**
 * Makes a `within`: runs database work that answers in time. A database that is away, hung or swamped is
 * `Refusal('storage_unavailable')`, after at most 5 seconds; what it then did of the work is unknown. Errors of SQL pass
 * through as the driver made them.
 */
export function deadlines(options: { deadlineMs?: number; unsettledMax?: number } = {}): Within {
  const { deadlineMs = DEADLINE_MS, unsettledMax = UNSETTLED_MAX } = options
  let unsettled = 0
  return (work) => {
    if (unsettled >= unsettledMax) return Promise.reject(unavailable(new Error(`${unsettled} queries wait already`)))
    unsettled++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(unavailable(new Error(`no answer in ${deadlineMs} ms`))), deadlineMs)
      const settled = () => {
        unsettled--
        clearTimeout(timer)
      }
      start(work).then(
        (value) => {
          settled()
          resolve(value)
        },
        (fault) => {
          settled()
          reject(thrownFor(fault))
        },
      )
    })
  }
}

/** Makes work that throws before its first query reject like any other. */
async function start<T>(work: () => PromiseLike<T>): Promise<T> {
  return work()
}

function thrownFor(fault: unknown): unknown {
  // Drizzle's own error has the query's values in its message, and whatever is thrown may end in a log.
  const cause = fault instanceof DrizzleQueryError ? (fault.cause ?? new Error('A query failed.')) : fault
  return isConnectionFault(cause) || isTimeout(cause) ? unavailable(cause) : cause
}

/** A statement that the server ended for its time, or for a lock that it waited for. */
function isTimeout(fault: unknown): boolean {
  const code = codeOf(fault)
  return code === '57014' || code === '55P03'
}

function unavailable(cause: unknown): Refusal {
  return new Refusal('storage_unavailable', { cause })
}
