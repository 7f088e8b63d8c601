"""The backbone: one small network of time series, trained on many processes, used on a new one.

It sees one signal at a time. It is never used on trust: :mod:`genba.learn.backbone.gate` sets it
beside persistence, ridge, a network from scratch, random frozen features and classical features.
"""
