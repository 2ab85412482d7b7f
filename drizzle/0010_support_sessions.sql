CREATE TABLE "support_sessions" (
	"chat_id" uuid PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"agent_id" text,
	"status" text DEFAULT 'active' NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"hand_over_on_failure" boolean DEFAULT false NOT NULL,
	"waiting_since" timestamp(3) with time zone,
	"asked_at" timestamp(3) with time zone,
	"first_reply_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp(3) with time zone,
	CONSTRAINT "support_sessions_status_check" CHECK ("support_sessions"."status" IN ('active', 'transferred', 'ended')),
	CONSTRAINT "support_sessions_ended_check" CHECK (("support_sessions"."status" = 'ended') = ("support_sessions"."ended_at" IS NOT NULL)),
	CONSTRAINT "support_sessions_waiting_check" CHECK ("support_sessions"."waiting_since" IS NULL OR ("support_sessions"."agent_id" IS NULL AND "support_sessions"."status" <> 'ended'))
);
--> statement-breakpoint
ALTER TABLE "chats" ADD COLUMN "customer_id" text;--> statement-breakpoint
ALTER TABLE "chats" ADD COLUMN "agent_id" text;--> statement-breakpoint
ALTER TABLE "chats" ADD COLUMN "handling" text;--> statement-breakpoint
ALTER TABLE "support_sessions" ADD CONSTRAINT "support_sessions_chat_id_chats_id_fk" FOREIGN KEY ("chat_id") REFERENCES "public"."chats"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "support_sessions_user_index" ON "support_sessions" USING btree ("user_id","created_at","chat_id");--> statement-breakpoint
CREATE INDEX "support_sessions_waiting_index" ON "support_sessions" USING btree ("waiting_since","chat_id") WHERE "support_sessions"."waiting_since" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "support_sessions_agent_index" ON "support_sessions" USING btree ("agent_id") WHERE "support_sessions"."status" <> 'ended';--> statement-breakpoint
CREATE INDEX "support_sessions_created_index" ON "support_sessions" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "support_sessions_ended_index" ON "support_sessions" USING btree ("ended_at") WHERE "support_sessions"."ended_at" IS NOT NULL;--> statement-breakpoint
ALTER TABLE "chats" ADD CONSTRAINT "chats_handling_check" CHECK ("chats"."handling" IN ('assistant', 'people', 'ended'));--> statement-breakpoint
ALTER TABLE "chats" ADD CONSTRAINT "chats_customer_check" CHECK (("chats"."customer_id" IS NULL) = ("chats"."handling" IS NULL));--> statement-breakpoint
-- As 0003 made it, and with support sessions: one that has ended takes no message, an agent writes only to what is its own,
-- and an agent's first message is when its session was first answered. 0001 says why it is as it is.
CREATE OR REPLACE FUNCTION append_messages(
  chat_ids uuid[], branch_ids uuid[], ids uuid[], sender_types text[], sender_ids text[], contents text[],
  statuses text[], metadatas jsonb[], client_ids uuid[], account_ids uuid[], roles text[], login_ids uuid[],
  events text[], at timestamptz
) RETURNS TABLE (outcome text, message_id uuid, branch_id uuid, "position" integer, seq bigint, number bigint)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM chats WHERE id = ANY (chat_ids) ORDER BY id FOR UPDATE;
  RETURN QUERY
  WITH judged AS (
    SELECT new.*, chat.last_seq, chat.handling, branch.id AS in_branch, branch.head,
      old.id AS old_id, old.branch_id AS old_branch, old.position AS old_position, old.seq AS old_seq, old.number AS old_number,
      CASE
        WHEN new.account_id IS NOT NULL AND account.id IS NULL THEN 'token_invalid'
        WHEN new.login_id IS NOT NULL AND login.id IS NULL THEN 'token_invalid'
        WHEN chat.id IS NULL OR chat.deleted_at IS NOT NULL THEN 'chat_missing'
        WHEN branch.id IS NULL THEN 'branch_missing'
        WHEN old.id IS NOT NULL AND old.sender_id IS NOT DISTINCT FROM new.sender_id AND new.content = coalesce(
            -- What it said first: it may have been edited before its sender, who missed the answer, posts it again.
            (SELECT data ->> 'content' FROM message_extensions
              WHERE message_id = old.id AND type = 'edit' ORDER BY created_at, id LIMIT 1),
            old.content)
          THEN 'known'
        WHEN old.id IS NOT NULL THEN 'client_id_reused'
        WHEN chat.archived_at IS NOT NULL THEN 'chat_archived'
        WHEN chat.handling = 'ended' THEN 'session_ended'
        WHEN new.role = 'agent' AND new.account_id IS DISTINCT FROM chat.owner_id
          AND new.account_id::text IS DISTINCT FROM chat.customer_id
          AND new.account_id::text IS DISTINCT FROM chat.agent_id THEN 'not_assigned'
        WHEN new.client_id IS NOT NULL
          AND row_number() OVER (PARTITION BY new.chat_id, new.client_id ORDER BY new.ordinal) > 1 THEN 'again'
        ELSE 'created'
      END AS verdict
    FROM unnest(chat_ids, branch_ids, ids, sender_types, sender_ids, contents, statuses, metadatas, client_ids,
        account_ids, roles, login_ids, events) WITH ORDINALITY
      AS new(chat_id, branch_id, id, sender_type, sender_id, content, status, metadata, client_id, account_id, role,
        login_id, event, ordinal)
    LEFT JOIN LATERAL (SELECT id FROM users
      WHERE id = new.account_id AND is_active AND role = new.role OFFSET 0) AS account ON true
    LEFT JOIN LATERAL (SELECT id FROM logins WHERE id = new.login_id AND revoked_at IS NULL OFFSET 0) AS login ON true
    LEFT JOIN LATERAL (SELECT * FROM chats WHERE id = new.chat_id OFFSET 0) AS chat ON true
    LEFT JOIN LATERAL (SELECT * FROM branches
      WHERE id = coalesce(new.branch_id, chat.active_branch_id) AND chat_id = new.chat_id OFFSET 0) AS branch ON true
    -- In the order of client_id, which messages_client_id_key has and messages_chat_seq_index, of all the chat, has not.
    LEFT JOIN LATERAL (SELECT * FROM messages
      WHERE chat_id = new.chat_id AND client_id BETWEEN new.client_id AND new.client_id
      ORDER BY client_id LIMIT 1) AS old ON true
  ), placed AS MATERIALIZED (
    SELECT *,
      last_seq + row_number() OVER (PARTITION BY chat_id, verdict = 'created' ORDER BY ordinal) AS new_seq,
      (head + row_number() OVER (PARTITION BY in_branch, verdict = 'created' ORDER BY ordinal))::integer AS new_position,
      -- Taken once the rows are in order: a chat's numbers grow with its seq.
      CASE verdict WHEN 'created' THEN nextval('messages_number_seq') END AS new_number
    FROM judged ORDER BY ordinal
  ), message AS (
    INSERT INTO messages (id, number, chat_id, branch_id, position, seq, sender_type, sender_id, content, status, metadata,
      client_id, created_at) OVERRIDING SYSTEM VALUE
    SELECT id, new_number, chat_id, in_branch, new_position, new_seq, sender_type, sender_id, content, status, metadata,
      client_id, at
    FROM placed WHERE verdict = 'created' ORDER BY ordinal
  ), event AS (
    INSERT INTO events (chat_id, seq, type, data, at)
    SELECT chat_id, new_seq, 'message.created',
      (event || ',"branch_id":"' || in_branch || '","position":' || new_position
        || ',"number":' || new_number || '}')::json, at
    FROM placed WHERE verdict = 'created' ORDER BY ordinal
  ), branch AS (
    UPDATE branches SET head = newest.position
    FROM (SELECT in_branch, max(new_position) AS position FROM placed WHERE verdict = 'created' GROUP BY 1) AS newest
    WHERE id = newest.in_branch
  ), chat AS (
    UPDATE chats SET last_seq = newest.seq, updated_at = at
    FROM (SELECT chat_id, max(new_seq) AS seq FROM placed WHERE verdict = 'created' GROUP BY 1) AS newest
    WHERE id = newest.chat_id
  ), replied AS (
    UPDATE support_sessions SET first_reply_at = at
    FROM (SELECT DISTINCT chat_id FROM placed
      WHERE verdict = 'created' AND handling = 'people' AND sender_type = 'agent') AS newest
    WHERE support_sessions.chat_id = newest.chat_id AND first_reply_at IS NULL AND asked_at IS NOT NULL
  )
  SELECT verdict,
    CASE verdict WHEN 'created' THEN id ELSE old_id END,
    CASE verdict WHEN 'created' THEN in_branch ELSE old_branch END,
    CASE verdict WHEN 'created' THEN new_position ELSE old_position END,
    CASE verdict WHEN 'created' THEN new_seq ELSE old_seq END,
    CASE verdict WHEN 'created' THEN new_number ELSE old_number END
  FROM placed ORDER BY ordinal;
END $$;
