/** Whether the device has a network, as far as it knows: a port. Only "no" can be relied on. */
export interface Network {
  readonly online: boolean;
  /** Calls back upon each change; returns what ends that. */
  onChange(listener: (online: boolean) => void): () => void;
}

/** A network that is always there, for where nobody can say. */
export const ALWAYS_ONLINE: Network = { online: true, onChange: () => () => undefined };
