"""Synth: landscapes drawn from a seed, written in the layouts of the real data sets."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'landscape': ['make_scene']})
