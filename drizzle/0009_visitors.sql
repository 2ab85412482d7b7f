CREATE TABLE "visitor_revocations" (
	"user_id" text PRIMARY KEY NOT NULL,
	"generation" bigint GENERATED ALWAYS AS IDENTITY (sequence name "visitor_revocations_generation_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"revoked_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "read_cursors" DROP CONSTRAINT "read_cursors_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "read_cursors" ALTER COLUMN "user_id" SET DATA TYPE text;--> statement-breakpoint
CREATE INDEX "visitor_revocations_revoked_at_index" ON "visitor_revocations" USING btree ("revoked_at");