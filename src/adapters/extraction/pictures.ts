import { EXTRACTION } from './limits.ts'
import { Unreadable } from './unreadable.ts'

/** A small webp of an image. `undefined` where it is of a kind that cannot be shown here (AVIF, HEIC, SVG). */
export async function previewOf(image: Uint8Array): Promise<Uint8Array | undefined> {
  const side = EXTRACTION.previewSide
  try {
    return await new Bun.Image(image, { maxPixels: EXTRACTION.pixels })
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 80 })
      .bytes()
  } catch (fault) {
    switch (fault instanceof Error && 'code' in fault ? fault.code : undefined) {
      case 'ERR_IMAGE_TOO_MANY_PIXELS':
        throw new Unreadable('The image has more pixels than may be shown.')
      case 'ERR_IMAGE_DECODE_FAILED':
        throw new Unreadable('The image is damaged.')
      default:
        return undefined
    }
  }
}
