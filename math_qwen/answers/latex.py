r"""LaTeX beyond our grammar in, its value out.

Runs in the symbolic worker. latex2sympy2_extended reads sums, products, integrals and limits; sympy computes them. The
parent sends nothing else here: on text outside its grammar that reader guesses (`3 \quad 4` is 7 to it).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, latex2sympy
from mpmath import mp

from math_qwen.answers.evaluate import NoValue

_CONVERSION = ConversionConfig(interpret_as_mixed_fractions=False, lowercase_symbols=False)


def latex_value(text: str, place: Callable[[str], Any]) -> Any:
    """Return the value of a LaTeX expression in the current precision of mpmath.

    Args:
        text: one expression without prose or relations.
        place: gives the value of a variable by its name.

    Raises:
        NoValue: the text cannot be read, or is no number at this place.
    """
    expression = _read(text)
    if expression is None:
        raise NoValue("not readable")
    values = {symbol: sympy.Float(str(place(symbol.name)), mp.dps) for symbol in expression.free_symbols}
    real, imaginary = expression.evalf(mp.dps, subs=values).as_real_imag()
    if not (real.is_Number and imaginary.is_Number):
        raise NoValue("no number")
    return mp.mpc(mp.mpf(str(real)), mp.mpf(str(imaginary)))


@lru_cache(maxsize=64)
def _read(text: str) -> Any:
    try:
        parsed: Any = latex2sympy(text, is_real=True, conversion_config=_CONVERSION)
        expression = parsed.doit()
    except Exception:  # noqa: BLE001  the reader itself raises plain Exception, sympy nearly any other
        return None
    return expression if isinstance(expression, sympy.Expr) else None
