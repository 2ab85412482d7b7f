ALTER TABLE "messages" DROP CONSTRAINT "messages_branch_fkey";--> statement-breakpoint
-- In its place: messages go with their branch. That of a new one need not be looked up for it, it is found and locked.
CREATE FUNCTION remove_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM messages USING gone WHERE messages.branch_id = gone.id;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER branches_messages_trigger AFTER DELETE ON branches
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION remove_messages();--> statement-breakpoint
-- Appends a batch of messages, each with its event, as append_messages does (0001 says why it is as it is), where nothing
-- has to be judged: to the active branches of chats that take messages, and none of it a second time. Messages come sorted
-- by chat, and each chat with the places of its first and last one. To a chat that takes none it appends none, and it
-- returns where those that it has written came to stand.
-- It locks each chat by counting its messages in, so that nothing is read twice, and joins nothing: of a batch there are
-- too few rows for a plan to be worth its making.
CREATE FUNCTION append_plain_messages(
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
    WHERE chats.id = posted.id AND coalesce(deleted_at, archived_at) IS NULL AND handling IS DISTINCT FROM 'ended'
      -- One that was made while this waited for the chat is not seen yet.
      AND EXISTS (SELECT FROM branches WHERE id = active_branch_id OFFSET 0)
    RETURNING posted.first, posted.last, last_seq - posted.last AS before, active_branch_id
  ), branch AS (
    UPDATE branches SET head = head + chat.last - chat.first + 1 FROM chat WHERE branches.id = chat.active_branch_id
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
