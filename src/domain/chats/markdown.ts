import type { Branch, Chat, Message } from '../../contract/chats.ts'

// A message is a quotation: each of its lines begins with `>`, so that nothing in it can end it or pass for another
// message. Its own Markdown stays Markdown, but with anything like HTML in it, it is shown as it is, in a block of
// code: to tell which HTML is in code and which is not would take knowing each reader's every rule.

export function headingMarkdown({ title, id }: Chat, branch: Branch): string {
  const line = branch.name === null ? '' : ` · ${plain(branch.name)}`
  return `# ${plain(title)}${line}\n\nChat ${id}, branch ${branch.id}\n`
}

export function messageMarkdown({
  sender_type,
  sender_id,
  content,
  created_at,
  edited_at,
  deleted_at,
  status,
  files,
}: Message): string {
  const marks = [
    ...(edited_at === null || deleted_at !== null ? [] : ['edited']),
    ...(status === 'completed' ? [] : [status]),
  ]
  const by = sender_id === null ? sender_type : `${sender_type} ${plain(sender_id)}`
  const heading = [by, created_at, ...marks].join(' · ')
  const shown = files.length === 0 ? '' : `\n\nFiles: ${files.map(({ name }) => plain(name)).join(', ')}`
  return `\n## ${heading}\n\n${deleted_at === null ? quoted(content) : '*deleted*'}${shown}\n`
}

/** Text of one line that means nothing in Markdown. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[!-/:-@[-`{-~]/g, '\\$&')
}

/** HTML, or what a reader might take for it. */
const TAG = /<[a-z/!?]/i

function quoted(content: string): string {
  const lines = content.split(/\r\n|\r|\n/)
  return (TAG.test(content) ? verbatim(lines) : lines).map((line) => (line === '' ? '>' : `> ${line}`)).join('\n')
}

/** A block that shows its lines as they are: its fence is longer than any in them. */
function verbatim(lines: readonly string[]): string[] {
  const longest = Math.max(2, ...(lines.join(' ').match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return [`${fence}text`, ...lines, fence]
}
