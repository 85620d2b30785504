import { type ComponentType, type LazyExoticComponent, lazy } from "react";

/** A part of the page could not be loaded: there is no network, or the server has a newer page and not the files of this one any more. */
export class ChunkError extends Error {
  override name = "ChunkError";
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the component takes
type Component = ComponentType<any>;

/** A component that is loaded when it is first shown. A load that fails is tried once more. */
export function lazily<C extends Component>(load: () => Promise<C>): LazyExoticComponent<C> {
  return lazy(async () => {
    const found = await load()
      .catch(load)
      .catch((cause: unknown) => {
        throw new ChunkError("a part of the page could not be loaded", { cause });
      });
    return { default: found };
  });
}
