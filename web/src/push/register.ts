/** Installs the service worker, when the page is there: what somebody waits for comes first. */

/** For every page, whether or not somebody is signed in. */
export function registerServiceWorker(): void {
  const start = () => {
    import("./installing").then(
      ({ install }) => install(),
      // This version's files are gone from the server; the next page has those of another.
      () => undefined,
    );
  };
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start, { once: true });
}
