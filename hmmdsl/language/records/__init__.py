"""Records and the overrides of their fields, validated by their schemas."""
