import {
  type ComponentProps,
  type ComponentType,
  createElement,
  lazy,
  type ReactNode,
  useState,
} from "react";

/** A part of the page could not be loaded: there is no network, or the server has a newer page and not the files of this one any more. */
export class ChunkError extends Error {
  override name = "ChunkError";
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the component takes
type Component = ComponentType<any>;

export interface Lazily<C extends Component> {
  (props: ComponentProps<C>): ReactNode;
  /** Loads it before it is shown. Resolves in any case: what failed is tried again, and told, when it is to be shown. */
  load(): Promise<void>;
}

/**
 * A component that is loaded when it is first shown. A load that fails is tried once more.
 *
 * What is loaded by then is shown at once: whatever has to be waited for, however short, leaves its place empty for the third of a second that React
 * gives a spinner.
 */
export function lazily<C extends Component>(load: () => Promise<C>): Lazily<C> {
  let found: C | null = null;
  const loaded = async () => {
    found ??= await load()
      .catch(load)
      .catch((cause: unknown) => {
        throw new ChunkError("a part of the page could not be loaded", { cause });
      });
    return found;
  };
  const Awaited: Component = lazy(async () => ({ default: await loaded() }));
  // biome-ignore lint/correctness/noComponentHookFactories: made once for each part of the page, not while rendering
  function Lazy(props: ComponentProps<C>): ReactNode {
    // As long as it is on the screen it stays the same one, and keeps its state.
    const [Shown] = useState<Component>(() => found ?? Awaited);
    return createElement(Shown, props);
  }
  return Object.assign(Lazy, {
    load: () =>
      loaded().then(
        () => undefined,
        () => undefined,
      ),
  });
}
