"""vLLM's tests are not for this run: test_vllm_own.py starts them in processes of their own."""

collect_ignore = ["tests"]
