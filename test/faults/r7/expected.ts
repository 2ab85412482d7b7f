import { APOLOGY } from '../../../src/adapters/answerers/callback.ts'
import { replacementOf, type Script } from './script.ts'

/** As it is stored. */
export type StoredAnswer = {
  question: string
  status: string
  content: string
  error: string | null
  /** Runs that have not ended, and ends that the log tells of. */
  running: number
  ends: number
  ended_status: string | null
  ended_content: string | null
}

const WHOLE_MAX = 131_072

/** What was killed while answers were made. */
export type Killed = {
  instances: boolean
  /** And with them all that they had told but not kept yet. */
  memory: boolean
  service: boolean
}

/** What is wrong with an answer, a line each. */
export function faultsOf(stored: StoredAnswer, script: Script, killed: Killed): string[] {
  const { status, content, error } = stored
  const faults: string[] = []
  const expect = (holds: boolean, fault: string) => holds || faults.push(`${stored.question}: ${fault}`)
  expect(stored.running === 0, 'has not ended')
  expect(stored.ends === 1, `has ended ${stored.ends} times`)
  expect(stored.ended_status === status && stored.ended_content === content, 'the log tells of another end')
  expect(!(error ?? '').includes('sk-secret'), 'its error has a secret')
  const wanted = endOf(script)
  const asWanted = status === wanted.status && isText(script, content, wanted.content)
  const isExcused = status === 'failed' && mayBe(script, content, killed)
  expect(asWanted || isExcused, `is ${status}, ${error}, and says ${JSON.stringify(content.slice(-60))}`)
  return faults
}

/** How it ends where nothing is killed. */
function endOf(script: Script): { status: string; content: string } {
  const { mode, pieces, sent } = script
  switch (mode) {
    case 'refuses':
    case 'hangs':
      return { status: 'failed', content: APOLOGY }
    case 'silent':
      return { status: 'failed', content: '' }
    case 'dies':
    case 'gap':
      return { status: 'failed', content: pieces.slice(0, sent).join('') }
    case 'replaced':
      return { status: 'completed', content: replacementOf(script) }
    default:
      return { status: 'completed', content: pieces.join('') }
  }
}

/** What one that failed may say that would have been made: what comes before a loss cannot be more than its beginning. */
function mayBe(script: Script, content: string, killed: Killed): boolean {
  if (killed.service || killed.memory) return content === APOLOGY || isPrefix(script, content)
  if (!killed.instances) return false
  // Nobody took the question, or the service does not say again what may have been heard.
  return content === '' || content === APOLOGY || (script.mode === 'unnumbered' && isPrefix(script, content))
}

function isText(script: Script, content: string, wanted: string): boolean {
  if (script.mode !== 'endless') return content === wanted
  return content.length >= WHOLE_MAX && content.length < 4 * WHOLE_MAX && isPrefix(script, content)
}

function isPrefix({ mode, pieces }: Script, content: string): boolean {
  const whole = pieces.join('')
  return (mode === 'endless' ? whole.repeat(Math.ceil(content.length / whole.length)) : whole).startsWith(content)
}
