import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A secret for development: made once, kept in the data directory, readable by its owner alone. Two processes that start at
 * the same moment end up with the same one.
 */
export async function developmentSecret(directory: string, name: string): Promise<string> {
  const path = join(directory, name)
  try {
    const found = await readFile(path, 'utf8').catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    })
    return found === undefined ? await make(directory, path) : usable(found, path)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    throw new Error(
      `${directory} cannot be used (${cause.code}). Give this user the right to write there, or set another DATA_DIR.`,
      { cause },
    )
  }
}

async function make(directory: string, path: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const draft = `${path}.${crypto.randomUUID()}`
  await writeFile(draft, `${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}\n`, {
    mode: 0o600,
  })
  // Linking is atomic and refuses to replace: whoever comes second reads the first one's.
  await link(draft, path).catch((error: unknown) => {
    if (!isCode(error, 'EEXIST')) throw error
  })
  await rm(draft)
  return usable(await readFile(path, 'utf8'), path)
}

function usable(text: string, path: string): string {
  const secret = text.trim()
  if (secret.length < 32) throw new Error(`${path} holds no secret. Delete it: the next start makes a new one.`)
  return secret
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
