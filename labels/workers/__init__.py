"""The queue, its brokers, the heartbeats of its clusters, and the supervisor that keeps them running."""
