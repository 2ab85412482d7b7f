-- As they were, but for how they look up a chat, a branch and a branch's messages. A plan is made once, and may have been
-- made when there was next to nothing in the tables. Where a look-up is a join by "=", reading all of a table along its key
-- seemed as good then, and was done from there on, however many chats there came to be. By BETWEEN, or for one row after
-- the other, it is a look-up by key, whatever the tables hold.
CREATE OR REPLACE FUNCTION remove_messages() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
  DELETE FROM messages USING gone WHERE messages.branch_id BETWEEN gone.id AND gone.id;
  RETURN NULL;
END $$;--> statement-breakpoint
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
  PERFORM FROM (SELECT DISTINCT id FROM unnest(chat_ids) AS posted(id) ORDER BY id) AS posted
    CROSS JOIN LATERAL (SELECT FROM chats WHERE id = posted.id FOR UPDATE) AS chat;
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
    FROM (SELECT chat_id, in_branch, max(new_position) AS position FROM placed WHERE verdict = 'created' GROUP BY 1, 2)
      AS newest
    WHERE id BETWEEN newest.in_branch AND newest.in_branch
      AND branches.chat_id BETWEEN newest.chat_id AND newest.chat_id
  ), chat AS (
    UPDATE chats SET last_seq = newest.seq, updated_at = at
    FROM (SELECT chat_id, max(new_seq) AS seq FROM placed WHERE verdict = 'created' GROUP BY 1) AS newest
    WHERE id BETWEEN newest.chat_id AND newest.chat_id
  ), replied AS (
    UPDATE support_sessions SET first_reply_at = at
    FROM (SELECT DISTINCT chat_id FROM placed
      WHERE verdict = 'created' AND handling = 'people' AND sender_type = 'agent') AS newest
    WHERE support_sessions.chat_id BETWEEN newest.chat_id AND newest.chat_id AND first_reply_at IS NULL AND asked_at IS NOT NULL
  )
  SELECT verdict,
    CASE verdict WHEN 'created' THEN id ELSE old_id END,
    CASE verdict WHEN 'created' THEN in_branch ELSE old_branch END,
    CASE verdict WHEN 'created' THEN new_position ELSE old_position END,
    CASE verdict WHEN 'created' THEN new_seq ELSE old_seq END,
    CASE verdict WHEN 'created' THEN new_number ELSE old_number END
  FROM placed ORDER BY ordinal;
END $$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION append_plain_messages(
  chat_ids uuid[], firsts integer[], lasts integer[],
  ids uuid[], sender_types text[], sender_ids text[], contents text[], statuses text[], metadatas jsonb[],
  client_ids uuid[], events text[], account_ids uuid[], roles text[], login_ids uuid[], at timestamptz
) RETURNS TABLE (ordinal integer, branch_id uuid, "position" integer, seq bigint, number bigint)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
  IF client_ids IS NOT NULL THEN
    -- Where two come at the same moment, a unique index refuses the later batch.
    IF EXISTS (
      SELECT FROM unnest(chat_ids, firsts, lasts) AS chat(id, first, last),
        generate_series(first, last) AS ordinal,
        LATERAL (SELECT FROM messages
          WHERE chat_id = chat.id AND client_id BETWEEN client_ids[ordinal] AND client_ids[ordinal]
          ORDER BY client_id LIMIT 1) AS old
    ) THEN
      RETURN;
    END IF;
  END IF;
  RETURN QUERY
  WITH chat AS (
    UPDATE chats SET last_seq = last_seq + posted.last - posted.first + 1, updated_at = at
    FROM unnest(chat_ids, firsts, lasts) AS posted(id, first, last)
    -- coalesce: a plan that was made while there were no chats would else go along the index of those that are not deleted.
    WHERE chats.id BETWEEN posted.id AND posted.id
      AND coalesce(deleted_at, archived_at) IS NULL AND handling IS DISTINCT FROM 'ended'
      -- One that was made while this waited for the chat is not seen yet.
      AND EXISTS (SELECT FROM branches WHERE id = active_branch_id AND chat_id = chats.id OFFSET 0)
    RETURNING posted.first, posted.last, last_seq - posted.last AS before, chats.id, active_branch_id
  ), branch AS (
    UPDATE branches SET head = head + chat.last - chat.first + 1 FROM chat
    WHERE branches.id BETWEEN chat.active_branch_id AND chat.active_branch_id AND chat_id BETWEEN chat.id AND chat.id
    RETURNING branches.chat_id, branches.id, head - chat.last AS head, chat.before, chat.first, chat.last
  ), placed AS MATERIALIZED (
    SELECT chat_id, in_branch, (head + ordinal)::integer AS new_position, before + ordinal AS new_seq, ordinal,
      nextval('messages_number_seq') AS new_number
    FROM (SELECT chat_id, id AS in_branch, head, before, generate_series(first, last) AS ordinal FROM branch) AS post
  ), message AS (
    INSERT INTO messages (id, number, chat_id, branch_id, position, seq, sender_type, sender_id, content, status, metadata,
      client_id, created_at) OVERRIDING SYSTEM VALUE
    SELECT ids[ordinal], new_number, chat_id, in_branch, new_position, new_seq, sender_types[ordinal], sender_ids[ordinal],
      contents[ordinal], statuses[ordinal], metadatas[ordinal], client_ids[ordinal], at
    FROM placed
  ), event AS (
    INSERT INTO events (chat_id, seq, type, data, at)
    SELECT chat_id, new_seq, 'message.created',
      (events[ordinal] || (',"branch_id":"' || in_branch || '","position":' || new_position
        || ',"number":' || new_number || '}'))::json, at
    FROM placed
  )
  SELECT ordinal, in_branch, new_position, new_seq, new_number FROM placed;
  -- A statement of its own, begun once the chats are locked: what was revoked before that, it sees.
  IF EXISTS (
    SELECT FROM unnest(account_ids, roles, login_ids) AS speaker(account_id, role, login_id)
    WHERE account_id IS NOT NULL AND NOT EXISTS (SELECT FROM users
        WHERE id = speaker.account_id AND is_active AND role = speaker.role OFFSET 0)
      OR login_id IS NOT NULL AND NOT EXISTS (SELECT FROM logins
        WHERE id = speaker.login_id AND revoked_at IS NULL OFFSET 0)
  ) THEN
    RAISE EXCEPTION 'A speaker does not stand any more.' USING ERRCODE = 'PY001';
  END IF;
END $$;
