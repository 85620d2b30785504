import type { Draft } from "@/realtime/realtime";

export function AttachButton(_: { onAttach: (drafts: Draft[]) => void; isDisabled?: boolean }) {
  return null;
}
