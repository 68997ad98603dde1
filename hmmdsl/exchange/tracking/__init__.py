"""Handing a finished run to TensorBoard or MLflow, when that is asked for."""
