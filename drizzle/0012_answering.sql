CREATE TABLE "chat_answering" (
	"chat_id" uuid PRIMARY KEY NOT NULL,
	"answerer" text,
	"system_prompt" text,
	"history_messages" integer,
	"history_length" integer,
	CONSTRAINT "chat_answering_answerer_check" CHECK ("chat_answering"."answerer" IN ('callback', 'openai', 'demo'))
);
--> statement-breakpoint
ALTER TABLE "chat_answering" ADD CONSTRAINT "chat_answering_chat_id_chats_id_fk" FOREIGN KEY ("chat_id") REFERENCES "public"."chats"("id") ON DELETE cascade ON UPDATE no action;