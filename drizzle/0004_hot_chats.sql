ALTER TABLE "messages" DROP CONSTRAINT "messages_number_key";--> statement-breakpoint
ALTER TABLE "messages" DROP CONSTRAINT "messages_client_id_key";--> statement-breakpoint
DROP INDEX "chats_owner_updated_index";--> statement-breakpoint
ALTER TABLE "chats" ADD COLUMN "updated_hour" timestamp(3) with time zone GENERATED ALWAYS AS (date_bin('1 hour', updated_at, 'epoch')) STORED NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "messages_client_id_key" ON "messages" USING btree ("chat_id","client_id") WHERE "messages"."client_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "chats_owner_updated_index" ON "chats" USING btree ("owner_id","updated_hour") WHERE "chats"."deleted_at" IS NULL;--> statement-breakpoint
-- Each post writes its chat and its branch anew. With room in their own page these writes leave the indexes alone.
ALTER TABLE "chats" SET (fillfactor = 80);--> statement-breakpoint
ALTER TABLE "branches" SET (fillfactor = 80);
