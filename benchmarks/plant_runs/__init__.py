"""Runs of the reference plant in process under several controllers, and what came of them."""
