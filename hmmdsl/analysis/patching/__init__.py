"""`patching`: where in the network what tells two histories apart stands."""
