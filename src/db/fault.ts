/** What kept the database from being opened or migrated. */
export type FaultKind =
  | 'address'
  | 'unreachable'
  | 'login'
  | 'missing'
  | 'busy'
  | 'old'
  | 'locked'
  | 'unwritable'
  | 'incompatible'
  | 'broken'
  | 'newer'
  | 'migration'

/** Ends a start. The message is one line for a person: the fault and its mend, never a password. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault'
  readonly kind: FaultKind

  constructor(kind: FaultKind, message: string, options: { cause?: unknown } = {}) {
    super(message.replace(/\s*\n\s*/g, ' '), options)
    this.kind = kind
  }
}

/** The `code` of a system, driver or Postgres error: `ECONNREFUSED`, `CONNECT_TIMEOUT`, `28P01`. */
export function codeOf(fault: unknown): string | undefined {
  return fault instanceof Error && 'code' in fault && typeof fault.code === 'string' ? fault.code : undefined
}

export function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}

/** What a person can do about a server that would not let us in. `place` is `host:port/name`. */
export function serverFault(fault: unknown, place: string): DatabaseFault {
  const at = `Postgres at ${place}`
  const code = codeOf(fault)
  const known = (kind: FaultKind, message: string) => new DatabaseFault(kind, message, { cause: fault })
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return known('unreachable', `${at} does not answer: nothing listens there. Start it, or correct DATABASE_URL.`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return known('unreachable', `${at} does not answer: the host name is unknown. Correct DATABASE_URL.`)
    case 'TLS':
      return known(
        'unreachable',
        `${at} cannot be reached over TLS: ${messageOf(fault)}. Correct sslmode in DATABASE_URL.`,
      )
    case '28P01':
    case '28000':
      return known(
        'login',
        `${at} refused the login: ${messageOf(fault)}. Correct the user or password in DATABASE_URL.`,
      )
    case '3D000':
      return known('missing', `${at} has no such database. Create it (createdb), or correct DATABASE_URL.`)
    case '42501':
      return known('login', `${at} refused access: ${messageOf(fault)}. Grant it, or correct DATABASE_URL.`)
    case '53300':
      return known('busy', `${at} has no connection left. Raise its max_connections, or lower DATABASE_POOL_SIZE.`)
    case '57P03':
      return known('busy', `${at} is starting up or shutting down. Try again in a moment.`)
    default:
      return known(
        'unreachable',
        code === 'CONNECT_TIMEOUT'
          ? `${at} does not answer in time. Check the address, the network and the firewall, or correct DATABASE_URL.`
          : `${at} cannot be used: ${messageOf(fault)}. Check it, or correct DATABASE_URL.`,
      )
  }
}
