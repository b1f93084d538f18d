"""SR: every arm of super-resolution by name, from a tensor, a store or a scene."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'arms': ['get_sr']})
