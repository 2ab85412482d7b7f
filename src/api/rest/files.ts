import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { failures } from '../../contract/failures.ts'
import {
  FilePage,
  FilePageQuery,
  FileParams,
  FileWithContent,
  StoredFile,
  UPLOAD_FILES_MAX,
} from '../../contract/files.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { FileService } from '../../domain/files/service.ts'
import { type FormReading, formTurns } from '../form-body.ts'
import { filesIn } from '../multipart.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Files']
const always = [...SIGNED_IN, 'invalid', 'internal'] as const
const ofFile = [...always, 'file_missing'] as const
const uploading = [
  ...always,
  'account_needed',
  'file_empty',
  'upload_broken',
  'file_too_large',
  'file_quota_full',
  'not_multipart',
  'file_storage_unavailable',
  'overloaded',
] as const

/** As much of Elysia's server as is of use here. */
type Server = { timeout(request: Request, seconds: number): void }

/** What a client gives, which Eden makes a form of. Nothing is checked here: the form is read as it comes (`filesIn`). */
const form = <Form>() => z.custom<Form>(() => true)

const bytes = { type: 'string' as const, format: 'binary' }

const formOf = (name: string, field: object) => ({
  requestBody: {
    required: true,
    content: {
      'multipart/form-data': { schema: { type: 'object' as const, properties: { [name]: field }, required: [name] } },
    },
  },
})

/** Files: uploads as documented, and what there is of them. Their bytes go by `downloadRoutes`. */
export function fileRoutes(files: FileService, authenticator: Authenticator, { uploads }: Config) {
  const turns = formTurns()
  const reading = (request: Request, server: Server | null): FormReading => ({
    request,
    turns,
    wait: (seconds) => void server?.timeout(request, seconds),
  })
  const limit = `At most ${uploads.maxBytes} bytes, checked as they come: of a file that is refused nothing is kept.`
  return new Elysia({ name: 'rest/files', prefix: '/api/files', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .post(
      '/upload',
      async ({ actor, request, server, status }) => {
        const [stored] = await files.upload(actor, filesIn(reading(request, server), 'file', 1))
        if (stored === undefined) throw new Error('An upload of a file made none.')
        return status(201, stored)
      },
      {
        parse: 'none',
        body: form<{ file: File }>(),
        response: { 201: StoredFile, ...failures(...uploading) },
        detail: {
          tags,
          operationId: 'uploadFile',
          summary: 'Upload a file',
          description: `${limit} Its type is told by its content. It is \`pending\` until its text and preview were made.`,
          ...formOf('file', bytes),
        },
      },
    )
    .post(
      '/upload-multiple',
      async ({ actor, request, server, status }) =>
        status(
          201,
          await files.upload(actor, filesIn(reading(request, server), 'files', UPLOAD_FILES_MAX), { named: true }),
        ),
      {
        parse: 'none',
        body: form<{ files: File[] }>(),
        response: { 201: z.array(StoredFile), ...failures(...uploading) },
        detail: {
          tags,
          operationId: 'uploadFiles',
          summary: 'Upload several files',
          description: `All of them or none: a refusal tells the name of the file it is about. Each: ${limit}`,
          ...formOf('files', { type: 'array', items: bytes, minItems: 1, maxItems: UPLOAD_FILES_MAX }),
        },
      },
    )
    .get('/', ({ actor, query: { skip = 0, limit: most = 100 } }) => files.list(actor, { skip, limit: most }), {
      query: FilePageQuery,
      response: { 200: FilePage, ...failures(...always) },
      detail: {
        tags,
        operationId: 'listFiles',
        summary: "List the account's files",
        description: 'The newest first. A service key has none of its own.',
      },
    })
    .get('/:file_id', ({ actor, params }) => files.get(actor, params.file_id), {
      params: FileParams,
      response: { 200: FileWithContent, ...failures(...ofFile) },
      detail: {
        tags,
        operationId: 'readFile',
        summary: 'Read what is known of a file',
        description: 'With the text in it. Seen by its owner, and by whose chat has it in a message.',
      },
    })
    .delete(
      '/:file_id',
      async ({ actor, params, status }) => {
        await files.remove(actor, params.file_id)
        return status(204, undefined)
      },
      {
        params: FileParams,
        response: { 204: z.void(), ...failures(...ofFile, 'account_needed') },
        detail: {
          tags,
          operationId: 'deleteFile',
          summary: 'Delete a file',
          description: 'Messages that have it keep it. With the last of them its bytes are removed.',
        },
      },
    )
}
