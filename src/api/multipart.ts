import type { SentFile } from '../domain/files/service.ts'
import { Refusal } from '../domain/refusal.ts'
import { FormBody, type FormReading } from './form-body.ts'

/**
 * The files of a form, one after the other, as the request brings them: no more of it is read than is taken. Throws what a
 * `FormBody` does, and `Refusal('invalid')` for more files than `max` or none at all.
 */
export async function* filesIn(reading: FormReading, field: string, max: number): AsyncGenerator<SentFile> {
  const form = new FormBody(reading)
  let count = 0
  try {
    for await (const { name, filename } of form.parts()) {
      // A form of a browser has an empty one where nobody chose a file.
      if (name !== field || !filename) continue
      count += 1
      if (count > max) throw invalid(field, `At most ${max} files go with one call.`, 'too_big')
      yield { name: filename, bytes: form.rest() }
    }
    if (count === 0) throw invalid(field, 'Field required', 'missing')
  } finally {
    form.close()
  }
}

function invalid(field: string, msg: string, type: string): Refusal {
  return new Refusal('invalid', { issues: [{ loc: ['body', field], msg, type }] })
}
