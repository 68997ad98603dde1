"""Networks: plain modules that run on batches of words and on the history tree."""
