"""`pca`: how many dimensions the activations fill, against how many the theory needs."""
