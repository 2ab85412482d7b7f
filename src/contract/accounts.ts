import { z } from 'zod'
import { Id, Timestamp } from './text.ts'

export const AccountId = Id.meta({ description: 'An account.' })

/** Who takes part in a conversation. */
export const PersonId = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'Use one line of well-formed text.')
  .meta({
    description: "An account's id, or the embedding product's own word for a person.",
    examples: ['customer-42'],
  })

/** What an account may do: `user` its own chats, `agent` also the support desk, `admin` everything. */
export const Role = z.enum(['user', 'agent', 'admin'])
export type Role = z.infer<typeof Role>

/**
 * Signing in takes an email or a username in one field, so a username never looks like an email. Nor do two look the same
 * that differ in what nobody sees.
 */
export const Username = z
  .string()
  .trim()
  .normalize('NFC')
  .min(1)
  .max(64)
  .regex(
    /^[^\s@\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}]+$/u,
    'A username has no blanks, no invisible characters and no @.',
  )
  .meta({ examples: ['ada'] })
export const Email = z
  .string()
  .trim()
  .max(254)
  .pipe(z.email())
  .meta({ examples: ['ada@example.com'] })

const NO_NUL = 'Use text without NUL characters.'

/** In bytes of UTF-8: what is hashed has a bound, whatever it is written in. */
const PASSWORD_MAX = 128

/** A new password of the Chats API. */
export const Password = z
  .string()
  .min(8)
  .refine((text) => new TextEncoder().encode(text).length <= PASSWORD_MAX, `At most ${PASSWORD_MAX} bytes of UTF-8.`)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'Use well-formed text without NUL characters.')
  .meta({ description: `At least 8 characters, at most ${PASSWORD_MAX} bytes.`, examples: ['Correct-Horse-9'] })

/** A new password of the Branching API. */
export const StrongPassword = Password.refine((text) => /\p{Lu}/u.test(text), 'Use at least one upper-case letter.')
  .refine((text) => /\p{Ll}/u.test(text), 'Use at least one lower-case letter.')
  .refine((text) => /\d/.test(text), 'Use at least one digit.')
  .refine((text) => /[^\p{L}\p{N}\s]/u.test(text), 'Use at least one special character.')
  .meta({
    description: `At least 8 characters, among them an upper-case and a lower-case letter, a digit and a special character.`,
    examples: ['Correct-Horse-9'],
  })

/** A password that somebody signs in with: whether it follows today's rules does not matter. */
const GivenPassword = z
  .string()
  .min(1)
  .max(1024)
  .meta({ examples: ['Correct-Horse-9'] })

const exampleAccount = {
  id: '0198f3a0-5c1e-7a4b-9d2e-3f6a7b8c9d0e',
  username: 'ada',
  email: 'ada@example.com',
  full_name: 'Ada Lovelace',
  role: 'user' as const,
  is_active: true,
  is_admin: false,
  created_at: '2026-01-31T12:00:00.000Z',
  updated_at: '2026-01-31T12:00:00.000Z',
}

/** An account as the Chats API shows it to its owner. */
export const Account = z
  .object({
    id: AccountId,
    username: z.string(),
    email: z.string(),
    full_name: z.string().nullable(),
    role: Role,
    is_active: z.boolean(),
    is_admin: z.boolean(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'Account', examples: [exampleAccount] })
export type Account = z.infer<typeof Account>

/** An account as the Branching API shows it. */
export const BranchingAccount = z
  .object({
    id: AccountId,
    email: z.string(),
    username: z.string(),
    is_active: z.boolean(),
    is_superuser: z.boolean(),
  })
  .meta({
    id: 'BranchingAccount',
    examples: [
      { id: exampleAccount.id, email: 'ada@example.com', username: 'ada', is_active: true, is_superuser: false },
    ],
  })
export type BranchingAccount = z.infer<typeof BranchingAccount>

const FullName = z
  .string()
  .trim()
  .max(200)
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'Use one line of well-formed text.')

export const Registration = z
  .object({ username: Username, email: Email, password: Password, full_name: FullName.nullish() })
  .meta({
    id: 'Registration',
    examples: [{ username: 'ada', email: 'ada@example.com', password: 'Correct-Horse-9', full_name: 'Ada Lovelace' }],
  })
export type Registration = z.infer<typeof Registration>

export const BranchingRegistration = z.object({ email: Email, username: Username, password: StrongPassword }).meta({
  id: 'BranchingRegistration',
  examples: [{ email: 'ada@example.com', username: 'ada', password: 'Correct-Horse-9' }],
})

export const Credentials = z
  .object({
    username: z
      .string()
      .min(1)
      .max(254)
      .refine((text) => !text.includes('\0'), NO_NUL)
      .meta({ description: 'The username or the email.', examples: ['ada'] }),
    password: GivenPassword,
  })
  .meta({ id: 'Credentials', examples: [{ username: 'ada', password: 'Correct-Horse-9' }] })
export type Credentials = z.infer<typeof Credentials>

const exampleTokens = {
  access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6Ik1pdCJ9.eyJ0eXAiOiJhY2Nlc3MifQ.c2lnbmF0dXJl',
  token_type: 'bearer' as const,
  expires_in: 3600,
  refresh_token: 'VGhpcyBpcyBub3QgYSB0b2tlbiwgYnV0IGFuIGV4YW1wbGU',
}

const tokens = {
  access_token: z.string().meta({ description: 'A JWT, for the header `Authorization: Bearer …`.' }),
  token_type: z.literal('bearer'),
  expires_in: z.int().meta({ description: 'How long the access token is valid, in seconds.' }),
  refresh_token: z.string().meta({ description: 'For the next access token; good for one use.' }),
}

/** What a sign-in of the Branching API answers with. */
export const Tokens = z.object(tokens).meta({ id: 'Tokens', examples: [exampleTokens] })
export type Tokens = z.infer<typeof Tokens>

/** What a sign-in of the Chats API answers with. */
export const SignedIn = z
  .object({ ...tokens, user: Account })
  .meta({ id: 'SignedIn', examples: [{ ...exampleTokens, user: exampleAccount }] })
export type SignedIn = z.infer<typeof SignedIn>

export const Refresh = z
  .object({ refresh_token: z.string().min(1).max(256) })
  .meta({ id: 'Refresh', examples: [{ refresh_token: exampleTokens.refresh_token }] })

export const PasswordChange = z.object({ current_password: GivenPassword, new_password: Password }).meta({
  id: 'PasswordChange',
  examples: [{ current_password: 'Correct-Horse-9', new_password: 'Battery-Staple-7' }],
})
export type PasswordChange = z.infer<typeof PasswordChange>

/** An account of an external issuer has no password to give. */
export const Deactivation = z
  .object({ password: GivenPassword.optional() })
  .meta({ id: 'Deactivation', examples: [{ password: 'Correct-Horse-9' }] })

export const Done = z
  .object({ status: z.literal('success') })
  .meta({ id: 'Done', examples: [{ status: 'success' as const }] })

export const AccountParams = z.object({ account_id: AccountId })

export const AccountPageQuery = z.object({
  limit: z.coerce.number<string | number>().int().min(1).max(1000).default(100),
  after: AccountId.optional().meta({ description: 'Accounts older than this one: `next` of the page before.' }),
  search: z
    .string()
    .max(254)
    .refine((text) => !text.includes('\0'), NO_NUL)
    .optional()
    .meta({ description: 'Part of the username, the email or the full name.' }),
})
export type AccountPageQuery = z.infer<typeof AccountPageQuery>

/** Accounts, newest first. */
export const AccountPage = z
  .object({
    items: z.array(Account),
    next: AccountId.nullable().meta({ description: 'For `after`; null at the end.' }),
  })
  .meta({ id: 'AccountPage', examples: [{ items: [exampleAccount], next: null }] })
export type AccountPage = z.infer<typeof AccountPage>

export const AccountChange = z
  .object({ role: Role.optional(), is_active: z.boolean().optional() })
  .refine(({ role, is_active }) => role !== undefined || is_active !== undefined, 'Say what to change.')
  .meta({ id: 'AccountChange', examples: [{ role: 'agent' }] })
export type AccountChange = z.infer<typeof AccountChange>
