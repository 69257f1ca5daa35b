"""Engines: image and disturbances in, discrepancies out. All give the same numbers.

``dense`` runs whole disturbed images and is the reference; ``delta`` propagates the change.
"""
