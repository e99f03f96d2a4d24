"""What an interpreter must tell of a program, whatever walls it has."""

PROGRAMS = [
    # a program, what the text it gives must hold, and must not
    ("print(6 * 7)", ["42"], ["stopped", "nothing"]),
    ("for n in range(3):\n    print(n, end=' ')", ["0 1 2"], []),
    ("x = 6 * 7", ["[nothing was printed]"], ["42"]),
    ("print(1)\n1 / 0", ["1\n", "ZeroDivisionError: division by zero"], []),
    ("import sys\nsys.exit(3)", [], ["42"]),
    ("def f(:\n", ["SyntaxError"], []),
    ("print('before', flush=True)\nimport os\nos.abort()", ["before", "[stopped: signal]"], []),
    ("print('数学 ∑')", ["数学 ∑"], []),
    ("import math\nprint(math.comb(10, 3))", ["120"], []),
    ("print(1)\nx = bytearray(1 << 40)", ["1", "MemoryError"], []),
    ("x = 1\nprint(x)", ["1"], []),
    ("print(x)", ["NameError"], []),  # nothing is left of the program before
]
