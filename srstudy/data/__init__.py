"""Data: from files on a disk to one index of patches, and from a patch to its pixels."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'index': ['read_index']})
