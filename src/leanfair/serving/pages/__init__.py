"""The pages for a person: plain HTML without scripts, which fetches nothing from anywhere."""
