"""Is an answer worked out, or does it repeat what was asked?

Arithmetic asks for the value of 12 + 30, and 12 + 30 has that value. Where a data set asks so, only a number that is
written out answers it: a literal with its sign, percent sign or unit, or one in scientific notation; of "12 + 30 = 42"
the last side. A fraction is a division that was not made, since such a data set asks for divisions too.
"""

from math_qwen.answers.tree import Apply, Node, Number, Quantity, Relation

_TEN = 10


def is_worked_out(node: Node) -> bool:
    """Say whether an answer is a number that is written out."""
    match node:
        case Relation(ops=(*_, "=" | "~"), sides=(*_, last)):
            return is_worked_out(last)
        case Quantity(value=value):
            return is_worked_out(value)
        case Apply(op="neg" | "percent", args=(value,)):
            return is_worked_out(value)
        case Apply(op="*", args=(mantissa, Apply(op="^", args=(Number(value=base), exponent)))):
            return base == _TEN and is_worked_out(mantissa) and is_worked_out(exponent)
        case _:
            return isinstance(node, Number)
