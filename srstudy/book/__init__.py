"""Book: figures, tables and pages, made from Records."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'display': ['show']})
