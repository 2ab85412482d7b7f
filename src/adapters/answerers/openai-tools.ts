import { z } from 'zod'

/** By this the model has a person go on. */
const ASK = 'ask_for_a_person'

export const TOOLS = [
  {
    type: 'function',
    function: {
      name: ASK,
      description:
        'Hands this conversation over to a person of the support team, who goes on from here. Use it when the customer asks for a person, or when you cannot help any further. It ends your answer.',
      parameters: {
        type: 'object',
        properties: {
          message: {
            type: 'string',
            description:
              'What the customer is told where you have said nothing yet, in their language: a person will go on.',
          },
        },
        additionalProperties: false,
      },
    },
  },
]

export const ToolCall = z.object({
  index: z.int().nonnegative().catch(0),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
})

/** UTF-16 code units of what the model gives a tool: more is left out. */
const ARGUMENTS_MAX = 16_384
const CALLS_MAX = 8

const Arguments = z.object({ message: z.string().trim().min(1) })

/** The calls of tools that a stream tells of, piece by piece. */
export class ToolCalls {
  readonly #calls = new Map<number, { name: string; given: string }>()

  add({ index, function: said }: z.infer<typeof ToolCall>): void {
    const call = this.#calls.get(index) ?? { name: '', given: '' }
    if (!this.#calls.has(index) && this.#calls.size >= CALLS_MAX) return
    this.#calls.set(index, call)
    // Some services tell the whole name with every piece.
    call.name ||= said?.name ?? ''
    call.given = `${call.given}${said?.arguments ?? ''}`.slice(0, ARGUMENTS_MAX)
  }

  /** Whether a person is asked for; `message`: what is to be said of it, where the model told that. */
  get person(): { message: string | undefined } | undefined {
    const call = [...this.#calls.values()].find(({ name }) => name === ASK)
    return call && { message: messageIn(call.given) }
  }
}

function messageIn(given: string): string | undefined {
  try {
    return Arguments.safeParse(JSON.parse(given)).data?.message
  } catch {
    // That a person is asked for does not depend on it.
    return undefined
  }
}

/** Whether a service refuses a request for the tools in it: not every model has them. */
export function isAboutTools({ status }: Response, error: { code: string; message: string }): boolean {
  return (
    [400, 404, 422].includes(status) && /\btools?\b|tool[_-]|function.?call/i.test(`${error.code} ${error.message}`)
  )
}
