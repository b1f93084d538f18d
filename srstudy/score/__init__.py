"""Score: arrays in, numbers with intervals out."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'multilabel': ['Evaluation']})
