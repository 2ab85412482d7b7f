CREATE TABLE "blob_removals" (
	"name" text PRIMARY KEY NOT NULL,
	"due_at" timestamp(3) with time zone NOT NULL,
	"claimed" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "files" (
	"id" uuid PRIMARY KEY NOT NULL,
	"owner_id" uuid NOT NULL,
	"name" text NOT NULL,
	"original_name" text NOT NULL,
	"mime_type" text NOT NULL,
	"file_type" text NOT NULL,
	"size" bigint NOT NULL,
	"sha256" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"reason" text,
	"content" text,
	"has_preview" boolean DEFAULT false NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp(3) with time zone,
	CONSTRAINT "files_size_check" CHECK ("files"."size" > 0),
	CONSTRAINT "files_file_type_check" CHECK ("files"."file_type" IN ('text', 'image', 'pdf', 'word', 'excel', 'other')),
	CONSTRAINT "files_state_check" CHECK ("files"."state" IN ('pending', 'processing', 'ready', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "message_files" (
	"message_id" uuid NOT NULL,
	"file_id" uuid NOT NULL,
	"position" integer NOT NULL,
	CONSTRAINT "message_files_pkey" PRIMARY KEY("message_id","file_id")
);
--> statement-breakpoint
ALTER TABLE "files" ADD CONSTRAINT "files_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_files" ADD CONSTRAINT "message_files_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_files" ADD CONSTRAINT "message_files_file_id_files_id_fk" FOREIGN KEY ("file_id") REFERENCES "public"."files"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "blob_removals_due_index" ON "blob_removals" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "files_owner_index" ON "files" USING btree ("owner_id","created_at","id");--> statement-breakpoint
CREATE INDEX "files_unfinished_index" ON "files" USING btree ("updated_at") WHERE "files"."state" IN ('pending', 'processing');--> statement-breakpoint
CREATE INDEX "message_files_file_index" ON "message_files" USING btree ("file_id");
--> statement-breakpoint
-- However a file's row goes, by itself or with its account: its bytes go too.
CREATE FUNCTION remove_blobs_of_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO blob_removals (name, due_at) VALUES (OLD.id::text, now()), (OLD.id::text || '-preview', now())
  ON CONFLICT (name) DO UPDATE SET due_at = now();
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER files_removed AFTER DELETE ON files FOR EACH ROW EXECUTE FUNCTION remove_blobs_of_file();
--> statement-breakpoint
-- The last message that has a file which its owner has no more takes it along. Two such messages may go at once: each
-- locks the file first, so that the second one sees that the first is gone.
CREATE FUNCTION remove_forsaken_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM files WHERE id = OLD.file_id AND deleted_at IS NOT NULL FOR UPDATE;
  IF FOUND THEN
    DELETE FROM files WHERE id = OLD.file_id AND NOT EXISTS (SELECT FROM message_files WHERE file_id = OLD.file_id);
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER message_files_removed AFTER DELETE ON message_files FOR EACH ROW EXECUTE FUNCTION remove_forsaken_file();
