"""Images: thousands of small images in a few files that survive a kill."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'store': ['Store']})
