"""What a stage's result depends on, and nothing else: source code, versions, device, resolved records."""
