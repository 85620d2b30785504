/** Files that are dropped on a part of the page, or pasted there. */
import { type RefObject, useEffect, useEffectEvent } from "react";
import { choose, dragging, type OnAttach } from "../overlays";

/** Files among what is pasted or dropped. What is text as well is pasted as text: office programs add a picture of it. */
export function filesOf(data: DataTransfer | null, pasted: boolean): File[] {
  if (data === null) return [];
  if (pasted && data.types.includes("text/plain")) return [];
  return [...data.files].filter((file) => file.size > 0);
}

const carriesFiles = (data: DataTransfer | null): boolean => data?.types.includes("Files") ?? false;

/** Takes in files that are dropped on, or pasted into, an element. */
export function useDropAndPaste(ref: RefObject<HTMLElement | null>, onAttach: OnAttach): void {
  const take = useEffectEvent((files: File[]) => choose(files, onAttach));

  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const end = new AbortController();
    const { signal } = end;
    // Each child that is entered is one more, and one less when it is left.
    let depth = 0;
    const leave = () => {
      depth = 0;
      dragging.setState({ over: null });
    };
    element.addEventListener(
      "dragenter",
      (event) => {
        if (!carriesFiles(event.dataTransfer)) return;
        event.preventDefault();
        depth += 1;
        dragging.setState({ over: element.getBoundingClientRect() });
      },
      { signal },
    );
    element.addEventListener(
      "dragover",
      (event) => {
        if (!carriesFiles(event.dataTransfer) || event.dataTransfer === null) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      },
      { signal },
    );
    element.addEventListener(
      "dragleave",
      (event) => {
        if (!carriesFiles(event.dataTransfer)) return;
        depth -= 1;
        if (depth <= 0) leave();
      },
      { signal },
    );
    element.addEventListener(
      "drop",
      (event) => {
        leave();
        const files = filesOf(event.dataTransfer, false);
        if (files.length === 0) return;
        event.preventDefault();
        take(files);
      },
      { signal },
    );
    element.addEventListener(
      "paste",
      (event) => {
        const files = filesOf(event.clipboardData, true);
        if (files.length === 0) return;
        event.preventDefault();
        take(files);
      },
      { signal },
    );
    return () => {
      end.abort();
      leave();
    };
  }, [ref]);
}
