"""Learn: classifiers and U-Nets, their batches and their training."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'train': ['get_learner']})
