/** What reading one file may take. Past it the reading ends, whatever the file says of itself. */
export const EXTRACTION = {
  /** A longer file is stored and not read. */
  bytes: 52_428_800,
  /** Of text that is kept, in UTF-16 code units. */
  characters: 1_000_000,
  /** Of a PDF, from its start. */
  pages: 200,
  /** Of an image, as its head tells them. */
  pixels: 50_000_000,
  /** Of what a DOCX or XLSX unfolds to, as its directory tells it. */
  unpackedBytes: 209_715_200,
  /** The longer side of a preview, in pixels. */
  previewSide: 800,
  /** Of what the reader answers with. */
  answerBytes: 16_777_216,
  ms: 30_000,
  memoryBytes: 805_306_368,
} as const

/** What the reader is told of a file. */
export type ReadOrder = { mime: string; type: 'text' | 'image' | 'pdf' | 'word' | 'excel' | 'other' }

/** What it answers with, as one line of JSON; `previewBytes` of webp follow. `refused`: nothing can be made of the file. */
export type ReadAnswer = { content: string | null; reason: string | null; refused: boolean; previewBytes: number }
