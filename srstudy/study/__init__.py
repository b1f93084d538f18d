"""Study: one experiment becomes one Record, a table becomes many."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'steps': ['run']})
