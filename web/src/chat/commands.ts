/** What rows and composer of one conversation may ask of it. One object as long as the conversation is open, so that no row renders anew for it. */
import { createContext, use } from "react";
import type { MessageView } from "@/types/socket";
import type { Action } from "./actions";
import type { TimelineRow } from "./timeline";

export interface Commands {
  act(action: Action, row: TimelineRow): void;
  /** What the menu of a row offers. */
  offered(row: TimelineRow): Action[];
  /** Shows the message with this `seq`, wherever it is. */
  jump(seq: number): void;
}

const Context = createContext<Commands | null>(null);
export const CommandsProvider = Context.Provider;

export function useCommands(): Commands {
  const commands = use(Context);
  if (commands === null) throw new Error("useCommands outside of a conversation");
  return commands;
}

/** What the composer is about. */
export type Composing =
  | { kind: "new" }
  | { kind: "reply"; message: MessageView }
  | { kind: "edit"; message: MessageView };
