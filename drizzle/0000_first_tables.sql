CREATE TABLE "branches" (
	"id" uuid PRIMARY KEY NOT NULL,
	"chat_id" uuid NOT NULL,
	"parent_branch_id" uuid,
	"fork_branch_id" uuid,
	"fork_position" integer DEFAULT 0 NOT NULL,
	"head" integer DEFAULT 0 NOT NULL,
	"name" text,
	"created_by" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "branches_chat_id_id_key" UNIQUE("chat_id","id"),
	CONSTRAINT "branches_root_check" CHECK (("branches"."parent_branch_id" IS NULL) = ("branches"."id" = "branches"."chat_id")),
	CONSTRAINT "branches_fork_check" CHECK (("branches"."parent_branch_id" IS NULL) = ("branches"."fork_branch_id" IS NULL)),
	CONSTRAINT "branches_position_check" CHECK ("branches"."fork_position" >= 0 AND "branches"."head" >= "branches"."fork_position")
);
--> statement-breakpoint
CREATE TABLE "chats" (
	"id" uuid PRIMARY KEY NOT NULL,
	"external_id" text,
	"title" text NOT NULL,
	"owner_id" uuid,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"active_branch_id" uuid NOT NULL,
	"last_seq" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"archived_at" timestamp (3) with time zone,
	"deleted_at" timestamp (3) with time zone,
	CONSTRAINT "chats_external_id_key" UNIQUE("external_id"),
	CONSTRAINT "chats_last_seq_check" CHECK ("chats"."last_seq" >= 0)
);
--> statement-breakpoint
CREATE TABLE "events" (
	"chat_id" uuid NOT NULL,
	"seq" bigint NOT NULL,
	"type" text NOT NULL,
	"data" json NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "events_pkey" PRIMARY KEY("chat_id","seq")
);
--> statement-breakpoint
CREATE TABLE "logins" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"revoked_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "message_extensions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"message_id" uuid NOT NULL,
	"type" text NOT NULL,
	"sender_id" text,
	"data" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "message_extensions_type_check" CHECK ("message_extensions"."type" IN ('attachment', 'reaction', 'edit'))
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" uuid PRIMARY KEY NOT NULL,
	"number" bigint GENERATED ALWAYS AS IDENTITY (sequence name "messages_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"chat_id" uuid NOT NULL,
	"branch_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"seq" bigint NOT NULL,
	"sender_type" text NOT NULL,
	"sender_id" text,
	"content" text NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"status" text DEFAULT 'completed' NOT NULL,
	"client_id" uuid,
	"extended" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"edited_at" timestamp (3) with time zone,
	"deleted_at" timestamp (3) with time zone,
	CONSTRAINT "messages_number_key" UNIQUE("number"),
	CONSTRAINT "messages_branch_position_key" UNIQUE("branch_id","position"),
	CONSTRAINT "messages_client_id_key" UNIQUE("chat_id","client_id"),
	CONSTRAINT "messages_position_check" CHECK ("messages"."position" > 0),
	CONSTRAINT "messages_sender_type_check" CHECK ("messages"."sender_type" IN ('user', 'assistant', 'agent', 'system')),
	CONSTRAINT "messages_status_check" CHECK ("messages"."status" IN ('pending', 'processing', 'completed', 'stopped', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "read_cursors" (
	"chat_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"branch_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "read_cursors_pkey" PRIMARY KEY("chat_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "refresh_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"login_id" uuid NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "refresh_tokens_hash_key" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"username" text NOT NULL,
	"password_hash" text,
	"full_name" text,
	"role" text DEFAULT 'user' NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"issuer" text,
	"subject" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_issuer_subject_key" UNIQUE("issuer","subject"),
	CONSTRAINT "users_role_check" CHECK ("users"."role" IN ('user', 'agent', 'admin')),
	CONSTRAINT "users_external_check" CHECK (("users"."issuer" IS NULL) = ("users"."subject" IS NULL))
);
--> statement-breakpoint
ALTER TABLE "branches" ADD CONSTRAINT "branches_chat_id_chats_id_fk" FOREIGN KEY ("chat_id") REFERENCES "public"."chats"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "branches" ADD CONSTRAINT "branches_parent_fkey" FOREIGN KEY ("chat_id","parent_branch_id") REFERENCES "public"."branches"("chat_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "branches" ADD CONSTRAINT "branches_fork_fkey" FOREIGN KEY ("chat_id","fork_branch_id") REFERENCES "public"."branches"("chat_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chats" ADD CONSTRAINT "chats_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chats" ADD CONSTRAINT "chats_active_branch_fkey" FOREIGN KEY ("id","active_branch_id") REFERENCES "public"."branches"("chat_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "logins" ADD CONSTRAINT "logins_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_extensions" ADD CONSTRAINT "message_extensions_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_branch_fkey" FOREIGN KEY ("chat_id","branch_id") REFERENCES "public"."branches"("chat_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "read_cursors" ADD CONSTRAINT "read_cursors_chat_id_chats_id_fk" FOREIGN KEY ("chat_id") REFERENCES "public"."chats"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "read_cursors" ADD CONSTRAINT "read_cursors_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_login_id_logins_id_fk" FOREIGN KEY ("login_id") REFERENCES "public"."logins"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "branches_parent_index" ON "branches" USING btree ("parent_branch_id");--> statement-breakpoint
CREATE INDEX "branches_fork_index" ON "branches" USING btree ("fork_branch_id","fork_position");--> statement-breakpoint
CREATE INDEX "chats_owner_updated_index" ON "chats" USING btree ("owner_id","updated_at","id") WHERE "chats"."deleted_at" IS NULL;--> statement-breakpoint
CREATE INDEX "events_at_index" ON "events" USING brin ("at");--> statement-breakpoint
CREATE INDEX "logins_user_id_index" ON "logins" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "logins_expires_at_index" ON "logins" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "message_extensions_message_index" ON "message_extensions" USING btree ("message_id","type","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "message_extensions_reaction_key" ON "message_extensions" USING btree ("message_id","sender_id",("data" ->> 'key')) WHERE "message_extensions"."type" = 'reaction';--> statement-breakpoint
CREATE INDEX "messages_chat_seq_index" ON "messages" USING btree ("chat_id","seq");--> statement-breakpoint
CREATE INDEX "refresh_tokens_login_id_index" ON "refresh_tokens" USING btree ("login_id");--> statement-breakpoint
CREATE INDEX "refresh_tokens_expires_at_index" ON "refresh_tokens" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_key" ON "users" USING btree (lower("email"));--> statement-breakpoint
CREATE UNIQUE INDEX "users_username_key" ON "users" USING btree (lower("username"));