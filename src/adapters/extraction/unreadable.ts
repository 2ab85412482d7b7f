/** Nothing can be made of a file, however often it is tried. The message is for its owner. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}
