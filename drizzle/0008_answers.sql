CREATE TABLE "answers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"chat_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"branch_id" uuid NOT NULL,
	"question_id" uuid NOT NULL,
	"provider" text NOT NULL,
	"status" text NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"begun" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp(3) with time zone NOT NULL,
	"error" text,
	"usage" jsonb,
	"ended_seq" bigint,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp(3) with time zone,
	"ended_at" timestamp(3) with time zone,
	CONSTRAINT "answers_status_check" CHECK ("answers"."status" IN ('pending', 'processing', 'completed', 'stopped', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "sources" (
	"id" uuid PRIMARY KEY NOT NULL,
	"message_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"title" text NOT NULL,
	"url" text,
	"content" text,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "settled_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "answers" ADD CONSTRAINT "answers_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sources" ADD CONSTRAINT "sources_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "answers_message_index" ON "answers" USING btree ("message_id","id");--> statement-breakpoint
CREATE INDEX "answers_running_chat_index" ON "answers" USING btree ("chat_id","branch_id","id") WHERE "answers"."status" IN ('pending', 'processing');--> statement-breakpoint
CREATE INDEX "answers_running_branch_index" ON "answers" USING btree ("branch_id","id") WHERE "answers"."status" IN ('pending', 'processing');--> statement-breakpoint
CREATE INDEX "answers_lease_index" ON "answers" USING btree ("lease_until") WHERE "answers"."status" IN ('pending', 'processing');--> statement-breakpoint
CREATE INDEX "sources_message_index" ON "sources" USING btree ("message_id","position");