/** Both ways alike: `any` is only equal to itself. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Does not compile unless `T` is `true`. */
export type Holds<T extends true> = T

/** Does not compile unless `Flaw` is `never`; the compiler names the first. */
export type NoneOf<Flaw extends never> = Flaw

type Sound = string | number | bigint | boolean | symbol | null | undefined | Date | Blob | Response

/** Whether `T` is one of the types that it was reached through: a tree's branch is a tree. */
type IsAmong<T, Above extends readonly unknown[]> = Above extends readonly [infer First, ...infer Others]
  ? Equal<T, First> extends true
    ? true
    : IsAmong<T, Others>
  : false

/** Each place inside `T` that the compiler does not check: the path to an `any` or `unknown`. */
export type Flaws<T, Path extends string, Above extends readonly unknown[] = []> = 0 extends 1 & T
  ? `${Path}: any`
  : unknown extends T
    ? `${Path}: unknown`
    : T extends Sound
      ? never
      : IsAmong<T, Above> extends true
        ? never
        : T extends AsyncIterable<infer Item>
          ? Flaws<Item, `${Path}[]`, [T, ...Above]>
          : T extends readonly (infer Item)[]
            ? Flaws<Item, `${Path}[]`, [T, ...Above]>
            : { [Key in keyof T & string]-?: Flaws<T[Key], `${Path}.${Key}`, [T, ...Above]> }[keyof T & string]

/** What a call through Eden has in its hands, `Node` being any part of the client. */
export type RouteFlaws<Node, Path extends string = ''> = {
  [Key in Keys<Node>]: 0 extends 1 & Node[Key]
    ? `${Path}/${Key}: any`
    : Node[Key] extends Call
      ? CallFlaws<Node[Key], Name<Key, Path>, Key>
      : RouteFlaws<Node[Key], `${Path}/${Key}`> | RouteFlaws<Below<Node[Key]>, `${Path}/${Key}/${Parameter<Node[Key]>}`>
}[Keys<Node>]

/** Every route below `Node`: `GET /v1/chat/sessions`. */
export type RouteNames<Node, Path extends string = ''> = {
  [Key in Keys<Node>]: Node[Key] extends Call
    ? Name<Key, Path>
    : RouteNames<Node[Key], `${Path}/${Key}`> | RouteNames<Below<Node[Key]>, `${Path}/${Key}/${Parameter<Node[Key]>}`>
}[Keys<Node>]

type Call = (...args: never) => Promise<{ data: unknown; error: unknown }>
type Keys<Node> = Exclude<keyof Node & string, '~path'>
type Name<Method extends string, Path extends string> = `${Uppercase<Method>} ${Path extends '' ? '/' : Path}`
type Below<Node> = Node extends (params: never) => infer Next ? Next : never
type Parameter<Node> = Node extends (params: infer Params) => unknown ? `:${keyof Params & string}` : never

type CallFlaws<C extends Call, Route extends string, Method> =
  | Flaws<Data<C>, `${Route} data`>
  | ([Data<C>] extends [never] ? `${Route} data: never` : never)
  | Flaws<Awaited<ReturnType<C>>['error'], `${Route} error`>
  | (Method extends 'get' | 'head'
      ? OptionFlaws<Parameters<C>[0], Route>
      : Flaws<Parameters<C>[0], `${Route} body`> | OptionFlaws<Parameters<C>[1], Route>)

/** Of an answer that is there: `null` means an error. */
type Data<C extends Call> = Extract<Awaited<ReturnType<C>>, { error: null }>['data']

/** Only what a route says of itself: the rest is `fetch`'s. */
type OptionFlaws<Options, Route extends string> = {
  [Key in keyof NonNullable<Options> & ('query' | 'headers')]-?: Flaws<NonNullable<Options>[Key], `${Route} ${Key}`>
}[keyof NonNullable<Options> & ('query' | 'headers')]
