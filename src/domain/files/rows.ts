import type { FileReference } from '../../contract/chats.ts'
import type { FileState, FileWithContent, StoredFile } from '../../contract/files.ts'
import { isoTime } from '../chats/rows.ts'
import { pathOf } from './links.ts'

export type FileRow = {
  id: string
  owner_id: string
  name: string
  original_name: string
  mime_type: string
  file_type: FileReference['file_type']
  size: number
  sha256: string
  state: FileState
  reason: string | null
  has_preview: boolean
  created_at: string
  updated_at: string
}

export function storedFileOf(row: FileRow): StoredFile {
  return {
    id: row.id,
    name: row.name,
    original_name: row.original_name,
    file_type: row.file_type,
    mime_type: row.mime_type,
    size: Number(row.size),
    preview_url: row.has_preview ? pathOf(row.id, 'preview') : null,
    state: row.state,
    reason: row.reason,
    sha256: row.sha256,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  }
}

export function fileWithContentOf(row: FileRow & { content: string | null }): FileWithContent {
  return { ...storedFileOf(row), content: row.content }
}

/** The name of a file's preview in the blob store; its bytes have the file's id. */
export function previewName(fileId: string): string {
  return `${fileId}-preview`
}
