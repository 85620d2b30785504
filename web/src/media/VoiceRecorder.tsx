import type { Draft } from "@/realtime/realtime";

export function VoiceRecorder(_: { onRecorded: (draft: Draft) => void; isDisabled?: boolean }) {
  return null;
}
