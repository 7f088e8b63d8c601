"""Models at a machine: run, tried out, rolled out, taken back, and sized for a device.

Read in this order: :mod:`~genba.learn.edge.contract` is what a model promises,
:mod:`~genba.learn.edge.bundle` how it travels, :mod:`~genba.learn.edge.session` runs it,
:mod:`~genba.learn.edge.sandbox` runs it where it can do no harm, :mod:`~genba.learn.edge.shadow`
tries it out, :mod:`~genba.learn.edge.node` is one machine's shelf of models, and
:mod:`~genba.learn.edge.rollout` brings a release to many of them.
"""
