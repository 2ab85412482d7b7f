import { z } from 'zod'

/** A UUID in the one way that it is kept and compared: in small letters, however somebody writes it. */
export const Id = z.uuid().toLowerCase()

/** The longest text of one message, in UTF-16 code units. */
export const CONTENT_MAX = 32_768

/** A message's text: not blank, storable everywhere (no NUL, no half of a surrogate pair). */
export const Content = z
  .string()
  .max(CONTENT_MAX)
  .refine((text) => text.trim() !== '', 'Content must not be blank.')
  .refine((text) => !text.includes('\0'), 'Content must not contain NUL characters.')
  .refine((text) => text.isWellFormed(), 'Content must be well-formed Unicode.')
  .meta({
    description: `Text, not blank, at most ${CONTENT_MAX} UTF-16 code units.`,
    examples: ['Hello there!'],
    pattern: '\\S',
  })

/** ISO 8601, UTC, milliseconds, `Z`. */
export const Timestamp = z.iso
  .datetime({ precision: 3 })
  .meta({ description: 'ISO 8601, UTC, milliseconds.', examples: ['2026-01-31T12:00:00.000Z'] })

/** The longest frame that a client may send on a socket, in bytes (UTF-8). */
export const FRAME_MAX = 65_536
