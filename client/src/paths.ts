const METHODS = new Set(['get', 'post', 'put', 'delete', 'patch', 'options', 'head', 'connect', 'subscribe'])

/**
 * Eden puts path parameters into the URL as they are: one with a slash in it would call another route. Here they are
 * encoded on their way.
 */
export function encodedPaths<Node extends object>(node: Node, name: PropertyKey = ''): Node {
  return new Proxy(node, {
    get(target, key, receiver) {
      const child: unknown = Reflect.get(target, key, receiver)
      return typeof child === 'function' ? encodedPaths(child, key) : child
    },
    apply(target, self, args) {
      // A proxy's `apply` is called for functions only.
      const call = target as Node & ((...args: unknown[]) => object)
      if (METHODS.has(String(name))) return Reflect.apply(call, self, args)
      return encodedPaths(Reflect.apply(call, self, args.map(encodedValues)))
    },
  })
}

function encodedValues(params: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, encodedSegment(String(value))]))
}

/** Throws for a text that no path can hold. */
export function encodedSegment(text: string): string {
  // A URL drops these, however they are written.
  if (text === '' || text === '.' || text === '..') throw new TypeError(`A path parameter cannot be '${text}'`)
  return encodeURIComponent(text)
}

/** The address of a socket of the server at `url`. */
export function socketAddress(url: string, path: string): string {
  return `${url.replace(/^http/, 'ws').replace(/\/*$/, '/')}${path}`
}
