"""What is stored where: ports (`persistence.ports`), their MongoDB, Redis, S3 and in-memory forms."""
