"""Code-Qwen and Code-Qwen-Chat: code, judged by running it."""
