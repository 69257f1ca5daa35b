"""What the study of CamVid is made of: views of photos, heads, ceilings, folds, the page."""
