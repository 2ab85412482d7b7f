ALTER TABLE "message_files" ADD COLUMN "sender_id" text;--> statement-breakpoint
ALTER TABLE "message_files" ADD COLUMN "created_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "message_files" ADD COLUMN "seq" bigint;