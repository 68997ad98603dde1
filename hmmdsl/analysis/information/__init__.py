"""`information`: how many bits the residual stream holds about the next k tokens, of those that the past holds."""
