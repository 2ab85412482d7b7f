/** Something that is sent the same to everyone, with an ETag of what it holds. */
export class Stored {
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #headers: Record<string, string>
  readonly #etag: string

  constructor(content: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) {
    this.#bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    this.#etag = `"${Bun.hash(this.#bytes).toString(36)}"`
    this.#headers = { ...headers, etag: this.#etag }
  }

  /** 304 for who has it already. */
  answer(request: Request): Response {
    const known = request.headers.get('if-none-match')?.split(',') ?? []
    const unchanged = known.some((tag) => tag.trim().replace(/^W\//, '') === this.#etag)
    return unchanged
      ? new Response(null, { status: 304, headers: this.#headers })
      : new Response(this.#bytes, { headers: this.#headers })
  }
}
