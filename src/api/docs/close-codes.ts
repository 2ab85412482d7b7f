import { CLOSE_CODES } from '../../contract/close-codes.ts'

const rows = Object.values(CLOSE_CODES).map(
  ({ code, reason, retry }) => `| ${code} | ${reason} | ${retry ? 'yes' : 'no'} |`,
)

/** For the description of a socket, in Markdown. */
export const CLOSE_CODES_TOLD = `
The server closes the socket with:

| code | reason | come back? |
| --- | --- | --- |
${rows.join('\n')}
`.trim()
