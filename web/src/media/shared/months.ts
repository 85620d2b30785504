import type { MessageView } from "@/types/socket";

export interface Month {
  /** Of the newest message in it. */
  at: string;
  messages: MessageView[];
}

/** Messages, newest first, by the calendar month in which they were sent, as it is here. */
export function byMonth(messages: readonly MessageView[]): Month[] {
  const months: Month[] = [];
  let current = "";
  for (const message of messages) {
    const date = new Date(message.created_at);
    const month = `${date.getFullYear()}-${date.getMonth()}`;
    if (month !== current) months.push({ at: message.created_at, messages: [] });
    current = month;
    months.at(-1)?.messages.push(message);
  }
  return months;
}
