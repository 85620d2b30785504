/** Tests have no layout: gives what virtual lists measure a size, so that they have something to show. Call it in `beforeAll`. */

const VIEWPORT = 600;
const ITEM = 50;

class Sizes implements ResizeObserver {
  constructor(private readonly told: ResizeObserverCallback) {}

  observe(target: Element): void {
    const contentRect = { width: 400, height: isScroller(target) ? VIEWPORT : ITEM };
    queueMicrotask(() => this.told([{ target, contentRect } as unknown as ResizeObserverEntry], this));
  }

  unobserve(): void {}
  disconnect(): void {}
}

const isScroller = (element: Element) => element.hasAttribute("data-scroller");

export function giveSizes(): void {
  globalThis.ResizeObserver = Sizes;
  Element.prototype.scrollTo = () => undefined;
  // Nor do they have this, which menus ask for.
  globalThis.CSS ??= { escape: (text: string) => text } as typeof CSS;
  // What is not laid out counts as hidden.
  Object.defineProperty(HTMLElement.prototype, "offsetParent", {
    configurable: true,
    get(this: HTMLElement) {
      return this.parentElement;
    },
  });
}
