"""Papers: what three papers say, what was measured here, and the verdict."""
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={'claims': ['ledger']})
