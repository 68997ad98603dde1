"""Claims: resolved against the result schemas before a run, judged after."""
