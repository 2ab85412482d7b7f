import type { LiveServerFrame } from '../../../src/contract/live.ts'

type Ended = Extract<LiveServerFrame, { type: 'answer.ended' }>['data']

/** What one watcher makes of all that it is told of the one answer of a chat. */
export class AnswerView {
  /** What the answer says; `undefined` before it was told of. */
  text: string | undefined
  ended: Ended | undefined
  readonly faults: string[] = []
  #woken = Promise.withResolvers<void>()

  hear(frame: LiveServerFrame): void {
    switch (frame.type) {
      case 'answer.snapshot':
        this.#snapshot(frame.content)
        break
      case 'answer.delta':
        if (this.ended !== undefined) this.faults.push('was told more after the end')
        if (frame.offset !== (this.text ?? '').length)
          this.faults.push(`has ${this.text?.length} characters, was told more at ${frame.offset}`)
        this.text = (this.text ?? '') + frame.content
        break
      case 'answer.ended':
        if (this.ended !== undefined) this.faults.push('was told of two ends')
        this.ended = frame.data
        break
    }
    this.#woken.resolve()
    this.#woken = Promise.withResolvers()
  }

  async reaches(length: number): Promise<void> {
    while ((this.text ?? '').length < length) await this.#woken.promise
  }

  async ends(): Promise<Ended> {
    while (this.ended === undefined) await this.#woken.promise
    return this.ended
  }

  /**
   * What is wrong with what it was told, where this is what is stored. `told`: it says what was told before its end, and
   * all of that, or only some where the end itself told the rest.
   */
  faultsBy(stored: { content: string; status: string }, told: 'all' | 'some' | 'other'): string[] {
    const faults = [...this.faults]
    if (this.ended?.content !== stored.content) faults.push('was told of an end with another text')
    if (this.ended?.status !== stored.status) faults.push(`was told of the end ${this.ended?.status}`)
    const { text } = this
    if (text === undefined || told === 'other') return faults
    if (told === 'all' ? text !== stored.content : !stored.content.startsWith(text))
      faults.push(`put together ${text.length} characters of ${stored.content.length}, or others`)
    return faults
  }

  /** Another instance may know a little less or more of it, but nothing else. */
  #snapshot(content: string): void {
    const before = this.text ?? ''
    if (!(content.startsWith(before) || before.startsWith(content))) this.faults.push('was told another text')
    if (this.ended !== undefined) this.faults.push('was told of its making after the end')
    this.text = content
  }
}
