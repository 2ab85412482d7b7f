import { dirname } from 'node:path'

export type ServerProcess = {
  pid: number
  /** Resolves to the address that the server printed. */
  address: Promise<string>
  /** All that it wrote to standard error, once it has ended. */
  errors: Promise<string>
  /** All that it, and what it started, wrote to standard output so far. */
  output(): string
  exited: Promise<number>
  kill(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void
}

/** Bun in `folder`, with no more of this process's environment than a shell has, and on a free port. */
export function runServer(folder: string, args: string[], variables: Record<string, string> = {}): ServerProcess {
  const { HOME = '', PATH = '' } = process.env
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: folder,
    env: { HOME, PATH: `${dirname(process.execPath)}:${PATH}`, APP_PORT: '0', ...variables },
    stderr: 'pipe',
  })
  const errors = new Response(child.stderr).text()
  let printed = ''
  const address = addressIn(child.stdout, errors, (text) => {
    printed += text
    return printed
  })
  // Who waits for the end does not care for an address.
  address.catch(() => {})
  return {
    pid: child.pid,
    address,
    errors,
    output: () => printed,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
  }
}

/** Reads on for as long as the server lives, so that it never waits for us. */
function addressIn(
  output: ReadableStream<Uint8Array>,
  errors: Promise<string>,
  keep: (text: string) => string,
): Promise<string> {
  const decoder = new TextDecoder()
  return new Promise((resolve, reject) => {
    const read = async () => {
      for await (const chunk of output) {
        const printed = keep(decoder.decode(chunk, { stream: true }))
        const [address] = /http:\/\/localhost:\d+/.exec(printed) ?? []
        if (address !== undefined) resolve(address)
      }
      reject(new Error(`The server ended without an address: ${keep('')}${await errors}`))
    }
    read().catch(reject)
  })
}
