"""The way of messages that MongoDB does not take in time. Who takes them to the record afterwards: `handlers.workers.retries`."""
