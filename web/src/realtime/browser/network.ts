/** What a browser knows of the network. */
import type { Network } from "../network";

export const browserNetwork: Network = {
  get online() {
    return navigator.onLine;
  },
  onChange(listener) {
    const changed = () => listener(navigator.onLine);
    window.addEventListener("online", changed);
    window.addEventListener("offline", changed);
    return () => {
      window.removeEventListener("online", changed);
      window.removeEventListener("offline", changed);
    };
  },
};
