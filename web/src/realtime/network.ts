/** Whether the device has a network, as far as it knows: a port. Only "no" can be relied on. */
export interface Network {
  readonly online: boolean;
  /** Calls back upon each change; returns what ends that. */
  onChange(listener: (online: boolean) => void): () => void;
}
