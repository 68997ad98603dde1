"""`emergence`: an analysis repeated at every checkpoint, so that one sees when in training it comes about."""
