import type { MessageExtension } from '../../contract/extensions.ts'
import { pathOf } from '../files/links.ts'
import type { FileAttachmentRow } from './extension-store.ts'
import { attachmentOf, type ExtensionRow, isoTime, reactionOf } from './rows.ts'

/** How what hangs on a message becomes what the contract calls an extension. */

export function extensionOf(row: ExtensionRow): MessageExtension {
  const { id, message_id, sender_id } = row
  const common = { id, message_id, sender_id, created_at: isoTime(row.created_at) }
  switch (row.type) {
    case 'attachment': {
      const { url, name, type, size } = attachmentOf(row)
      return { ...common, type: 'attachment', data: { file_id: null, url, name, type, size } }
    }
    case 'reaction':
      return { ...common, type: 'reaction', data: { reaction_type: reactionOf(row).reaction_type } }
    case 'edit':
      return { ...common, type: 'edit', data: { content: String(row.data['content']) } }
  }
}

export function fileExtensionOf(
  message_id: string,
  { id, name, mime_type, size, sender_id, created_at }: FileAttachmentRow,
): MessageExtension {
  return {
    id,
    message_id,
    type: 'attachment',
    sender_id,
    data: { file_id: id, url: pathOf(id, 'download'), name, type: mime_type, size: Number(size) },
    created_at: isoTime(created_at),
  }
}
