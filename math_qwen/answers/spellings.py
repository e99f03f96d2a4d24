"""Tables: the many spellings of one sign.

Only data. `math_qwen.answers.tokens` reads answers with it.
"""

from math_qwen.answers.units import CANONICAL, SCALES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = _words(
    """sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh cis ln log lg exp sqrt cbrt abs floor ceil
    frac binom gcd lcm max min"""
)
OF_MANY = frozenset({"gcd", "lcm", "max", "min"})  # functions of as many numbers as there are
FUNCTION_SPELLINGS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "tg": "tan", "ctg": "cot", "cosec": "csc",
}  # fmt: skip
SIGN_SPELLINGS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "pm": "±", "mp": "∓", "leq": "<=", "le": "<=", "leqslant": "<=",
    "geq": ">=", "ge": ">=", "geqslant": ">=", "lt": "<", "gt": ">", "neq": "!=", "ne": "!=", "approx": "~",
    "simeq": "~", "doteq": "~", "cup": "cup", "cap": "cap", "in": "in", "choose": "choose",
    "lor": "or", "vee": "or", "land": "and", "wedge": "and", "lbrace": r"\{", "rbrace": r"\}",
    "lvert": "|", "rvert": "|", "vert": "|", "mid": "|",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "lbrack": "[", "rbrack": "]",
    "ldots": "...", "dots": "...", "cdots": "...", "emptyset": "∅", "varnothing": "∅", "circ": "°", "degree": "°",
    "langle": "⟨", "rangle": "⟩", "setminus": "setminus", "overline": "overline", "dot": "dot", "prime": "'",
    "colon": ":", "backslash": "\\", "equiv": "≡",
}  # fmt: skip
NAME_SPELLINGS = {"infty": "oo", "pi": "pi", "infinity": "oo", "inf": "oo", "imaginaryi": "i", "exponentiale": "e"}
GREEK = _words(
    """alpha beta gamma delta epsilon varepsilon eta theta vartheta iota kappa lambda mu nu xi rho sigma tau
    upsilon phi varphi chi psi omega Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega ell"""
)
WORD_SIGNS = {
    "and": "and",
    "or": "or",
    "percent": "%",
    "pct": "%",
    "percentage": "%",
    "或": "or",
    "和": "and",
    "与": "and",
    "或者": "or",
}
_SHORT_WORDS = _words(
    """no yes odd all one two six ten per sq cu am pm May Mon Tue Wed Thu Fri Sat Sun if for of the
    to mod man men boy kid dog cat cow pig hen egg box cup bag pen bus car toy pie jar hat nut key row"""
)

TEXT_COMMANDS = _words("text textbf textit textrm textnormal mathrm mathit mathsf mbox hbox operatorname")
TEXT_SWITCHES = _words("rm bf it")  # they hold to the end of the group: {\rm cm}
IGNORED = _words(
    """left right big Big bigg Bigg bigl bigr Bigl Bigr displaystyle textstyle scriptstyle limits quad qquad thinspace
    boxed fbox bm boldsymbol mathbf hline angle triangle underline vec hat overrightarrow"""
)

WORDS = frozenset(CANONICAL) | frozenset(SCALES) | _SHORT_WORDS
ESCAPED = {
    r"\%": "%", r"\$": "$", r"\#": "#", r"\&": "&", r"\_": "_", r"\|": "|", "**": "^",
    r"\(": "", r"\)": "", r"\[": "", r"\]": "", '"': "", "`": "",
}  # fmt: skip
BRACKETS = {"(": 1, "[": 1, r"\{": 1, ")": -1, "]": -1, r"\}": -1}

CHARACTERS = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "∕": "/", "⁄": "/",
        "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "≈": r"\approx ",
        "⟨": r"\langle ", "⟩": r"\rangle ", "ℝ": r"\mathbb{R}", "∪": r"\cup ", "∩": r"\cap ",
        "∈": r"\in ", "∞": r"\infty ",
        "π": r"\pi ", "√": r"\sqrt ", "°": r"^\circ ", "…": "...",
        "，": ",", "、": ",", "；": ";", "：": ":", "∶": ":", "。": ".",
        "㎡": r"\text{m}^2", "㎥": r"\text{m}^3", "㎝": r"\text{cm}", "㎞": r"\text{km}", "㎏": r"\text{kg}",
        "㎜": r"\text{mm}", "／": "/", "＜": "<", "＞": ">",
        "．": ".", "％": "%", "（": "(", "）": ")", "［": "[", "］": "]", "｛": "{", "｝": "}", "＝": "=", "＋": "+",
        "－": "-", "￥": "¥", "＄": "$", "²": "^2", "³": "^3", "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3",
        "⅔": " 2/3", "′": "'", "’": "'", "“": '"', "”": '"', "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ",
        "\u2009": r"\,", "\u202f": r"\,", "\xa0": r"\,",
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    }
)  # fmt: skip
