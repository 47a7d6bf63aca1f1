"""Prune a language model and open it with transformers: python examples/prune_llm.py MODEL TEXT RUN

MODEL is a folder of transformers or a .gguf file, TEXT a file with some pages of plain text.
"""

import sys

from transformers import AutoModelForCausalLM, AutoTokenizer

import leanfair
from leanfair.data.text import load_text
from leanfair.models.pretrained import open_tokenizer
from leanfair.pruning.checkpoint.loading import open_model

name, book, out = sys.argv[1:]
model, tokenizer = open_model(name), open_tokenizer(name)
text = load_text(book, tokenizer, length=128)  # blocks of tokens; the three parts share none
run = leanfair.prune(
    model, tokenizer=tokenizer, train=text.train, calibration=text.calibration, test=text.test,
    cut=0.1, of="params", out=out,
)  # fmt: skip
print(*(step.cut for step in run.steps), run.summary["perplexity"], run.report(), sep="\n")
words = AutoTokenizer.from_pretrained(out)("Once upon a time", return_tensors="pt")
written = AutoModelForCausalLM.from_pretrained(out).generate(**words, max_new_tokens=20)
print(tokenizer.decode(written[0]))
