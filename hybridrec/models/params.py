"""Parameters of a model: what its constructor takes, as in scikit-learn."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from hybridrec.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from typing_extensions import Self


KINDS = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Parameters:
    """Constructor parameters, all with a default and stored under their own names."""

    model_name: ClassVar[str]

    @classmethod
    def parameter_defaults(cls) -> dict[str, Any]:
        """Return the parameters of the constructor and their defaults."""
        signature = inspect.signature(cls.__init__)
        return {
            name: parameter.default
            for name, parameter in signature.parameters.items()
            if name != "self" and parameter.kind in KINDS
        }

    def get_params(self) -> dict[str, Any]:
        """Return the parameters the model was made with."""
        return {name: getattr(self, name) for name in self.parameter_defaults()}

    def set_params(self, **params: Any) -> Self:
        """Change parameters; the next `fit` uses them.

        Raises
        ------
        ParameterError
            If there is no such parameter.
        """
        known = self.parameter_defaults()
        for name, value in params.items():
            if name not in known:
                raise ParameterError(
                    f"{self.model_name} has no parameter {name!r}{did_you_mean(name, known)}"
                    f" (there are {', '.join(known) or 'none'})"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({listed})"
