/** What a link is for. */
export type LinkUse = 'download' | 'preview'

/** What a link has in place of a token. */
export type Signed = { expires?: number | undefined; signature?: string | undefined }

/** Addresses that are good without a token until they expire, for what can send none: an `<img>`. */
export class FileLinks {
  readonly #keys: readonly string[]
  readonly #seconds: number

  /** The first secret signs; what one of the others signed is good as well. */
  constructor(secrets: readonly string[], seconds: number) {
    // A key of its own: what is signed here is no token, and the other way round.
    this.#keys = secrets.map((secret) => hmac(secret, 'parley file links').toString('hex'))
    this.#seconds = seconds
  }

  /** Until when a link that is made now is good, in seconds since 1970. */
  expiry(): number {
    return Math.floor(Date.now() / 1000) + this.#seconds
  }

  /** The address of the file for that use, from the server's root on. */
  link(fileId: string, use: LinkUse, expires: number): string {
    const signature = signatureOf(this.#keys[0] ?? '', fileId, use, expires)
    return `${pathOf(fileId, use)}?expires=${expires}&signature=${signature}`
  }

  /** Whether this was signed for that file and use, and has not expired. */
  allows(fileId: string, use: LinkUse, { expires, signature }: Signed): boolean {
    if (expires === undefined || signature === undefined || expires * 1000 < Date.now()) return false
    // Compared by what a key makes of them: the time that it takes tells nothing of the right one.
    return this.#keys.some((key) => hmac(key, signature).equals(hmac(key, signatureOf(key, fileId, use, expires))))
  }
}

export function pathOf(fileId: string, use: LinkUse): string {
  return `/api/files/${fileId}/${use}`
}

function signatureOf(key: string, fileId: string, use: LinkUse, expires: number): string {
  return hmac(key, `${use}:${fileId}:${expires}`).toString('base64url')
}

function hmac(key: string, text: string): Buffer {
  return new Bun.CryptoHasher('sha256', key).update(text).digest()
}
