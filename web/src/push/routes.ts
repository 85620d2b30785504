/** Addresses that the node answers itself, and that the app's first page is no answer to. */
const SERVED_BY_NODE: readonly RegExp[] = [
  /^\/(api|socket|admin|\.well-known)(\/|$)/,
  /^\/(docs|metrics|healthz|readyz)(\/|$)/,
  /^\/(openapi|asyncapi|client)\.json$/,
];

/** Whether a navigation to this path opens the app, which finds its own way from there. */
export function isPageOfApp(path: string): boolean {
  return !SERVED_BY_NODE.some((served) => served.test(path));
}
