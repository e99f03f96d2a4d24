r"""The language of answers: read and compared.

    text --tokens--> tokens --parse--> tree --forms--> plain form --structure--> parts --scalars--> Equivalence
                                                                                    \--symbolic--> worker

Nothing that stands in an answer is run.

- `spoken` turns number words into digits; `tokens`, with the tables `spellings` and `units`, brings every spelling of a
  sign to one.
- `parse` reads structures, `moments` times and dates, `environments` matrices, `expression` and `numerals` what is in
  them, on a bounded `cursor`, into a `tree`; `render` writes one for people.
- `forms` finds the plain form, `inequalities` and `realsets` that of sets of reals. `structure` compares part by part,
  `kinds` what has rules of its own, `scalars` numbers and expressions.
- `evaluate` computes a tree in one of three arithmetics: fractions (`exact`), residues (`identity`), long decimals.
- `symbolic` owns the worker processes. `worker`, `numeric` and `latex` run in them and are the only users of sympy.
- `outcome` says how a comparison ended, `profile` what a data set's own rules add, `boxes` finds `\boxed` in a text.
"""
