import { lazy, Suspense } from "react";
import { useStore } from "zustand";
import { questions } from "./asking";

/** What a dialog needs is loaded with the first question. */
const AskedQuestion = lazy(() =>
  import("./AskedQuestion").then((module) => ({ default: module.AskedQuestion })),
);

/** Where the questions of `confirm` are shown. Once, at the root. */
export function Questions() {
  const any = useStore(questions, (state) => state.asked.length > 0);
  return <Suspense>{any && <AskedQuestion />}</Suspense>;
}
