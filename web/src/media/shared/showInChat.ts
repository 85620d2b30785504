/** From what a message has shown, in whatever pane, to its place in the conversation. */
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { chatPath } from "@/app/place";

/** The message that is to be shown next, until the conversation takes it. */
const wanted = createStore<{ message: { chatId: string; seq: number } | null }>(() => ({ message: null }));

export function useShowInChat(): (chatId: string, seq: number) => void {
  const [, navigate] = useLocation();
  return (chatId, seq) => {
    wanted.setState({ message: { chatId, seq } });
    navigate(chatPath(chatId));
  };
}

/** For the conversation: `jump` is called for a message of this chat that is to be shown, once there is something to jump in. */
export function useWantedMessage(chatId: string, ready: boolean, jump: (seq: number) => void): void {
  const seq = useStore(wanted, ({ message }) => (message?.chatId === chatId ? message.seq : null));
  const latest = useRef(jump);
  latest.current = jump;
  useEffect(() => {
    if (seq === null || !ready) return;
    wanted.setState({ message: null });
    latest.current(seq);
  }, [seq, ready]);
}
