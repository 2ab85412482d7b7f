CREATE TABLE "support_agents" (
	"agent_id" text PRIMARY KEY NOT NULL,
	"available" boolean NOT NULL,
	"session_limit" integer,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "support_agents_limit_check" CHECK ("support_agents"."session_limit" >= 0)
);
--> statement-breakpoint
CREATE TABLE "support_notes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"chat_id" uuid NOT NULL,
	"author_id" text,
	"content" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "support_notes" ADD CONSTRAINT "support_notes_chat_id_support_sessions_chat_id_fk" FOREIGN KEY ("chat_id") REFERENCES "public"."support_sessions"("chat_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "support_notes_chat_index" ON "support_notes" USING btree ("chat_id","id");