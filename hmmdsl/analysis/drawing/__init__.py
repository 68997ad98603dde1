"""What figures of several kinds share."""
