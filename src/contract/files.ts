import { z } from 'zod'
import { FileReference } from './chats.ts'
import { Id, Timestamp } from './text.ts'

/** So many files go with one call. */
export const UPLOAD_FILES_MAX = 10
/** The longest name that is kept, in UTF-16 code units. */
export const FILE_NAME_MAX = 255

const fileId = '0198f3a4-6b7c-7d8e-9f01-23456789abcd'
const time = '2026-01-31T12:00:00.000Z'

export const FileId = Id.meta({ description: 'A file.' })

export const FileState = z.enum(['pending', 'processing', 'ready', 'failed'])
export type FileState = z.infer<typeof FileState>

const exampleFile = {
  id: fileId,
  name: 'itinerary.pdf',
  original_name: 'itinerary.pdf',
  file_type: 'pdf' as const,
  mime_type: 'application/pdf',
  size: 48_213,
  preview_url: null,
  state: 'pending' as const,
  reason: null,
  sha256: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9',
  created_at: time,
  updated_at: time,
}

export const StoredFile = z
  .object({
    id: FileId,
    name: z.string().meta({ description: 'What to show and to save it as: one line, and no path.' }),
    original_name: z.string().meta({ description: 'What it was called when it was sent, which may be anything.' }),
    file_type: FileReference.shape.file_type,
    mime_type: z.string().meta({ description: 'By its content, whatever it was sent as.' }),
    size: z.int().positive().meta({ description: 'In bytes.' }),
    preview_url: z.string().nullable().meta({ description: 'Once there is one. It wants a token: see links.' }),
    state: FileState.meta({ description: 'Whether its text and its preview were made.' }),
    reason: z.string().nullable().meta({ description: 'Why it has none, for people.' }),
    sha256: z.string().meta({ description: 'Of its bytes, hexadecimal.' }),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'StoredFile', description: 'A file.', examples: [exampleFile] })
export type StoredFile = z.infer<typeof StoredFile>

export const FileWithContent = StoredFile.extend({
  content: z.string().nullable().meta({ description: 'The text in it, once it is ready and has any.' }),
}).meta({
  id: 'FileWithContent',
  description: 'A file with the text in it.',
  examples: [{ ...exampleFile, state: 'ready', preview_url: `/api/files/${fileId}/preview`, content: 'Day 1: Alfama' }],
})
export type FileWithContent = z.infer<typeof FileWithContent>

export const FilePage = z.object({ items: z.array(StoredFile), total: z.int() }).meta({
  id: 'FilePage',
  description: "An account's files, the newest first.",
  examples: [{ items: [exampleFile], total: 1 }],
})

export const FileLinks = z
  .object({
    download_url: z.string(),
    preview_url: z.string().nullable(),
    expires_at: Timestamp,
  })
  .meta({
    id: 'FileLinks',
    description: 'Addresses that need no token until they expire.',
    examples: [
      {
        download_url: `/api/files/${fileId}/download?expires=1769861700&signature=Yw3NKWbEM2aRElRIu7JbT_QSpJxzLbLIq8G4WBvXEN0`,
        preview_url: null,
        expires_at: '2026-01-31T12:15:00.000Z',
      },
    ],
  })
export type FileLinks = z.infer<typeof FileLinks>

export const FileParams = z.object({ file_id: FileId })

const number = () => z.coerce.number<string | number>().int()

export const FilePageQuery = z.object({
  skip: number()
    .min(0)
    .max(2_000_000_000)
    .optional()
    .meta({ description: 'How many to leave out from the start; 0 where it is left out.' }),
  limit: number()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'How many at most; 100 where it is left out.', examples: [100] }),
})

/** What a link has in place of a token. */
export const SignedQuery = z.object({
  expires: number()
    .min(0)
    .max(8_640_000_000_000)
    .optional()
    .meta({ description: 'Of a link: until when, in seconds.' }),
  signature: z.string().max(100).optional().meta({ description: 'Of a link.' }),
})
