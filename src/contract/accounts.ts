import { z } from 'zod'
import { Timestamp } from './text.ts'

export const AccountId = z.uuid().meta({ description: 'An account.' })

/** What an account may do: `user` its own chats, `agent` also the support desk, `admin` everything. */
export const Role = z.enum(['user', 'agent', 'admin'])
export type Role = z.infer<typeof Role>

/** Signing in takes an email or a username in one field, so a username never looks like an email. */
export const Username = z
  .string()
  .trim()
  .min(1)
  .max(64)
  .regex(/^[^\s@\p{Cc}\p{Cs}]+$/u, 'A username has no blanks and no @.')
  .meta({ examples: ['ada'] })
export const Email = z
  .email()
  .max(254)
  .meta({ examples: ['ada@example.com'] })

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
  .meta({ id: 'Account' })
export type Account = z.infer<typeof Account>
