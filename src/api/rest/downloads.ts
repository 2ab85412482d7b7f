import { Elysia } from 'elysia'
import { z } from 'zod'
import { failures } from '../../contract/failures.ts'
import { FileLinks, FileParams, SignedQuery } from '../../contract/files.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { LinkUse } from '../../domain/files/links.ts'
import type { FileService } from '../../domain/files/service.ts'
import { PARTICIPATING, participantOf, VISITOR_SECURITY } from '../plugins/signed-in.ts'
import { sentFile, sentPreview } from './sent-file.ts'

const tags = ['Files']
const always = [...PARTICIPATING, 'invalid', 'internal', 'file_missing'] as const
const ofBytes = [...always, 'file_storage_unavailable'] as const

/** What is answered is no JSON: the schema is for the documentation, and for Eden's type of it. */
const Bytes = z.custom<Blob>(() => true)

const binary = (type: string, description: string) => ({
  200: { description, content: { [type]: { schema: { type: 'string' as const, format: 'binary' } } } },
})

/** The bytes of files, for who has a token or a link: visitors have those of their support sessions. */
export function downloadRoutes(files: FileService, authenticator: Authenticator) {
  /** `undefined` for who has a link. */
  const callerOf = (use: LinkUse, fileId: string, query: z.infer<typeof SignedQuery>, request: Request) =>
    files.allows(fileId, use, query) ? undefined : participantOf(authenticator, request)
  return new Elysia({ name: 'rest/downloads', prefix: '/api/files', detail: { security: VISITOR_SECURITY } })
    .get(
      '/:file_id/links',
      async ({ params, request }) => files.links(await participantOf(authenticator, request), params.file_id),
      {
        params: FileParams,
        response: { 200: FileLinks, ...failures(...always) },
        detail: {
          tags,
          operationId: 'linkFile',
          summary: 'Get addresses of a file that need no token',
          description:
            'For what can send none, such as an `<img>`. They are good for 15 minutes, for whoever has them.',
        },
      },
    )
    .get(
      '/:file_id/download',
      async ({ params: { file_id }, query, request, set }) => {
        const file = await files.open(await callerOf('download', file_id, query, request), file_id)
        return sentFile<Blob>(set, request, file)
      },
      {
        params: FileParams,
        query: SignedQuery,
        response: { 200: Bytes, ...failures(...ofBytes, 'range_invalid') },
        detail: {
          tags,
          operationId: 'downloadFile',
          summary: 'Download a file',
          description: 'Always as an attachment. `Range` gets a part (206), `If-None-Match` a 304 for what is known.',
          responses: binary('application/octet-stream', 'The bytes, as the type that they are.'),
        },
      },
    )
    .get(
      '/:file_id/preview',
      async ({ params: { file_id }, query, request, set }) => {
        const preview = await files.preview(await callerOf('preview', file_id, query, request), file_id)
        return sentPreview<Blob>(set, request, preview)
      },
      {
        params: FileParams,
        query: SignedQuery,
        response: { 200: Bytes, ...failures(...ofBytes, 'preview_missing') },
        detail: {
          tags,
          operationId: 'previewFile',
          summary: 'See a preview of a file',
          description: 'Of an image, or of the first page of a PDF, once it was made.',
          responses: binary('image/webp', 'The image.'),
        },
      },
    )
}
