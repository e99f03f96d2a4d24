"""Math-Qwen-Chat: maths SFT, verified answers, four benchmarks."""
