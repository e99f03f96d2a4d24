"""Which answer a solution commits to."""

import time

import pytest

from math_qwen.extract import extract_answer, extract_flexible, extract_report

MARKED = [
    # boxes
    (r"so $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
    (r"$\fbox{7}$", "7"),
    (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
    (r"\boxed{\text{a \} b}}", r"\text{a \} b}"),
    (r"\boxed {5}", "5"),
    (r"we get $\boxed 2$.", "2"),
    (r"\boxed{1} then \boxed{2}", "2"),
    (r"\boxed{-2}$ and $\boxed{1}$.", "-2, 1"),
    (r"\boxed{3}$, $\boxed{4}$, and $\boxed{5}$", "3, 4, 5"),
    (r"\boxed{3}$ or $\boxed{\frac{2}{5}}$.", r"3 or \frac{2}{5}"),
    (r"\boxed{(1,2)} \text{ and } \boxed{(3,4)}", "(1,2), (3,4)"),
    (r"\boxed{2}和\boxed{3}", "2, 3"),
    (r"\boxed{7} and \boxed{7}", "7"),
    (r"\boxed{7} and, much later in the text, another one: \boxed{8}", "8"),
    (r"$\boxed{1}\boxed{2}$", "1, 2"),
    ("\\boxed{1}\n\n\\boxed{2}", "2"),
    (r"\boxed{\boxed{5}}", r"\boxed{5}"),
    (r"\boxed{3} and \boxed{", "3"),
    (r"\boxed{5", None),
    (r"\boxed{}", None),
    (r"} { \boxed{5} {", "5"),
    # other markers
    ("5 * 2 = <<5*2=10>>10\n#### 10", "10"),
    ("#### 1,450,000", "1,450,000"),
    ("#### $5.50 a day", "$5.50 a day"),
    ("The answer is 5. It is odd.", "5"),
    ("The answer is 0.5", "0.5"),
    ("The answer is: $3.5$ dollars.", "$3.5$ dollars"),
    ("the answer is 18, because 9 * 2 = 18", "18"),
    ("So our answers are 3 and 5.", "3 and 5"),
    ("The final answer is $5$. I hope it is correct.", "$5$"),
    ("**Answer:** 42", "42"),
    ("Answer: **42**", "42"),
    ("**Final Answer**: 12", "12"),
    ("Final answer:\n\n12", "12"),
    ("ANSWER: C", "C"),
    ("The answer is:\n\\[\n\\frac{1}{2}\n\\]\nDone.", r"\frac{1}{2}"),
    ("the answer is $$x = 2$$", "x = 2"),
    ("<answer> 5 </answer>", "5"),
    ("# Answer\n\n42", "42"),
    ("## Final Answer\n$x = 5$", "$x = 5$"),
    ("**Final Answer**\n12", "12"),
    ("16 - 7 = 9\nA: 9", "9"),
    ("A: 3\nB: 4\nThe answer is B", "B"),
    ("So the answer to the question is $5$.", "$5$"),
    ("The answer should be 7.", "7"),
    ("Hence, the answer is **18** eggs.", "18 eggs"),
    ("The answer is 2**10.", "2**10"),
    ("So the answer is 5!", "5"),
    ("The answer is $5!$.", "$5!$"),
    ("The answer is .5", ".5"),
    ("the answer is 5, so he has 3 left", "5"),
    ("The answer is $\\begin{pmatrix} 1 \\\\\n 2 \\end{pmatrix}$.", "$\\begin{pmatrix} 1 \\\\\n 2 \\end{pmatrix}$"),
    # a sentence with one value
    ("Final Answer: The largest $n$ is 34. I hope it is correct.", "34"),
    ("The answer is that John has 5 apples.", "5 apples"),
    ("Answer: Jane started running 3 hours ago.", "3 hours ago"),
    ("The answer is x is 5 and y is 6", "x is 5 and y is 6"),
    ("The answer is that there are at least 5 of them", "there are at least 5 of them"),
    ("The answer is either 5 or 6.", "either 5 or 6"),
    ("The answer is June 20.", "June 20"),
    ("The answer is exactly 5.", "5"),
    ("The answer is a total of 5 apples.", "5 apples"),
    ("The answer is greater than or equal to 5", "greater than or equal to 5"),
    ("Answer: John cannot have 5 apples", "John cannot have 5 apples"),
    ("Final answer: up to 5 apples", "up to 5 apples"),
    # choices
    ("5 - 2 = 3\nAnswer D", "D"),
    ("Option B is correct", "B"),
    ("Hence (C) is the correct answer.", "C"),
    ("ANSWER :(Option C)", "C"),
    ("so 600 m.\noption E", "E"),
    ("7! ways.\nC", "C"),
    ("Answer D or E", None),
    # Chinese
    ("【答案】18", "18"),
    ("正确选项是D。", "D"),
    ("因此选B", "B"),
    ("答案是一共有18个苹果。", "18"),
    ("答案是至少5个", "至少5个"),
    ("综上所述，一共有24人。", "24"),
    ("答：一共是十八元。", "十八"),
    ("答：占三分之二。", "三分之二"),
    ("答：一共是１４．４元。", "14.4"),
    ("答：占３／１４。", "3/14"),
    ("答：需要2 1/7小时。", "2 1/7"),
    (r"答：需要2\frac{1}{7}小时。", r"2\frac{1}{7}"),
    ("答：需要40又1/5千克。", "40又1/5"),
    ("故答案为：１／８．", "１／８"),
    ("所以一共有120个。答案是120。", "120"),
    ("答案：18元", "18元"),
    ("故答案为：3又4分之1", "3又4分之1"),
    ("所以答案 7", "7"),
    ("因此故选 C。", "C"),
    ("答：一共是 18 元。", "18"),
    ("答:这根绳子长3又4分之1米。", "3又4分之1"),
    ("答：占全长的25%。", "25%"),
    ("答：不能。", "不能"),
    ("解答：18", None),
    # the last one in position wins
    (r"\boxed{3} ... Wait. The answer is 9.", "9"),
    (r"The answer is 9. Check: \boxed{8}", "8"),
    ("The answer is 4.\n#### 5", "5"),
    (r"\boxed{20}. We can check that our answer is correct.", "20"),
    (r"\boxed{20}. The answer is obtained by adding 3 and 4.", "20"),
    (r"\boxed{20}. So the answer is that she has 21.", "21"),
    (r"\boxed{44}. We may check our answer: $17 \cdot 44 = 748$.", "44"),
    ("The answer is 5.\nSo the answer is", "5"),
    # thoughts and further turns
    ("<think>The answer is 4.</think>\nThe answer is 5.", "5"),
    ("The answer is 4.</think>\nThe answer is 5.", "5"),
    ("<think>a</think> The answer is 5. <think>The answer is 6.</think>", "5"),
    ("<think>The answer is 4. No,", "4"),
    ("<think>Four? Five?", None),
    ("The answer is 3.\n\nQ: And now?\nThe answer is 8.", "3"),
    ("#### 3\nQuestion: next\n#### 8", "3"),
    ("Question: what is 1 + 2?\nThe answer is 3.", "3"),
    ("答案是3。\n问题：下一题\n答案是8", "3"),
    ("The answer is 3.<|im_end|>\n<|im_start|>user\nThe answer is 8.", "3"),
    # nothing but a value
    ("42", "42"),
    ("18 eggs", "18 eggs"),
    ("$\\frac{1}{2}$", "$\\frac{1}{2}$"),
    ("x = 5", "x = 5"),
    ("(C)", "(C)"),
    ("7-3", None),
    ("3/4 of a cup", None),
    ("18 or 20", None),
    # no answer
    ("", None),
    ("I do not know, perhaps 5.", None),
    ("The answer isn't 5", None),
    ("the answer is", None),
    ("####", None),
    ("####\n####\n####", None),
]


@pytest.mark.parametrize(("solution", "answer"), MARKED)
def test_strict(solution: str, answer: str | None) -> None:
    assert extract_answer(solution) == answer


LAST_NUMBERS = [
    ("16 - 3 = 13", "13"),
    ("in total 1,234.", "1,234"),
    ("from 5 down to -3", "-3"),
    ("7-3", "3"),
    ("about 50% of them", "50%"),
    ("3/4 of a cup", "3/4"),
    (r"that is $\frac{1}{2}$", r"\frac{1}{2}"),
    ("占全长的4分之1", "4分之1"),
    ("共1(1/2)米", "1(1/2)"),
    ("The answer is 9. It took 3 steps.", "9"),
    ("<think>7", None),
    ("none", None),
]


@pytest.mark.parametrize(("solution", "answer"), LAST_NUMBERS)
def test_flexible_falls_back_to_the_last_number(solution: str, answer: str | None) -> None:
    assert extract_flexible(solution) == answer


LAST_DIGITS = [
    ("The answer is 18.", "18"),
    ("The answer is 3.5", "5"),
    ("#### 1,450", "450"),
    ("#### -7", "7"),
    (r"\boxed{9}. I used 2 of them", "2"),
    ("none", None),
]


@pytest.mark.parametrize(("solution", "answer"), LAST_DIGITS)
def test_the_report_reads_the_last_run_of_digits(solution: str, answer: str | None) -> None:
    assert extract_report(solution) == answer


LONG = {
    "open boxes": r"\boxed{" * 140_000,
    "nested boxes": r"\boxed{" * 50_000 + "}" * 50_000,
    "joined boxes": r"\boxed{1} and " * 35_000,
    "bare boxes": "\\boxed 1\n" * 30_000,
    "bare boxes on one line": "\\boxed 1 " * 110_000,
    "answers to": "answer to " * 100_000,
    "lines of choices": "\nA: x" * 200_000,
    "chinese numerals": "答：" + "十分之" * 300_000,
    "open braces": "{" * 250_000,
    "closed braces": "}" * 250_000,
    "markers": "the answer is " * 35_000,
    "empty markers": "####\n" * 50_000,
    "spaces": "answer" + " " * 1_000_000,
    "digits": "1" * 500_000,
    "grouped digits": "1," * 250_000,
    "commas": "1" + "," * 500_000,
    "open thoughts": "<think>" * 70_000,
    "closed thoughts": "</think>" * 60_000,
    "turns": "\n\nQ" * 150_000,
    "chinese markers": "答：" * 50_000,
    "chinese fractions": "1分" * 200_000,
    "long answer": "the answer is " + "5" * 500_000,
    "longer than is read": "x" * 1_500_000 + "the answer is 5",
}


@pytest.mark.parametrize("solution", LONG.values(), ids=LONG.keys())
def test_long_solutions_take_linear_time(solution: str) -> None:
    start = time.process_time()
    extract_flexible(solution)
    assert time.process_time() - start < 3
